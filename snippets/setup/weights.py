# --8<-- [start:setup]
import functools
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter, namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from pathlib import Path

from huggingface_hub import snapshot_download

SEED = 42
CHECKPOINT = "google-bert/bert-base-chinese"  # 仓库名：组织/名字
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
# --8<-- [end:setup]
# --8<-- [start:installed-size]
def installed_gb(pattern):
    """名字匹配 pattern 的已安装的包，文件合计多少 GB（10⁹ 字节）。"""
    found = [package for package in distributions()
             if re.fullmatch(pattern, package.metadata["Name"].replace("_", "-"))]
    paths = [file.locate() for package in found for file in package.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e9

for pattern in ("torch", "nvidia-.*", "transformers", "huggingface-hub", "safetensors"):
    print(f"{pattern:16}{installed_gb(pattern):.2f} GB")
# --8<-- [end:installed-size]
# --8<-- [start:cache-layout]
snapshot = Path(snapshot_download(CHECKPOINT, allow_patterns=FILES))
folder = snapshot.parents[1]
COMMIT = (folder / "refs" / "main").read_text()  # main 这个名字此刻指向哪个提交
print(folder.name)
print("refs/main 里是", len(COMMIT), "位十六进制的提交号，也是快照的文件夹名：", snapshot.name == COMMIT)
print(*sorted(path.name for path in snapshot.iterdir() if path.name in FILES), sep="，")
# --8<-- [end:cache-layout]
# --8<-- [start:served-files]
served = {name: (snapshot / name).resolve() for name in FILES}  # 镜像上有的文件：名字 → 路径
for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"):
    # 真实仓库里另有这三份别的格式。这里只占字节；内容各不相同，否则缓存会认作同一份
    Path(name).write_bytes(served["model.safetensors"].read_bytes() + name.encode())
    served[name] = Path(name).resolve()

@functools.lru_cache
def entry(name):
    """Hub 的文件清单里的一项：大小；小文件给 git 的 sha1，大文件给 sha256。"""
    data = served[name].read_bytes()
    item = {"type": "file", "path": name, "size": len(data),
            "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
    if not name.endswith(".json"):
        item["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data),
                       "pointerSize": 134}
    return item
# --8<-- [end:served-files]
# --8<-- [start:reply]
switches = {"cut": None, "xet": False, "gated": None}  # 让镜像出毛病的开关

def reply(path, asked):
    """请求的路径与头 → 状态码、头、内容。Hub 有三种接口：分支、清单、文件。"""
    name = path.partition("/resolve/")[2].partition("/")[2]  # …/resolve/提交号/文件名
    if name in served and name == switches["gated"] and not asked["Authorization"]:
        return 401, {"X-Error-Code": "GatedRepo"}, b""
    if name in served:
        body, item = served[name].read_bytes(), entry(name)
        start = int(re.sub(r"\D", "", asked["Range"] or "0"))  # 「bytes=起点-」：从中间续
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{item.get("lfs", item)["oid"]}"',
                   "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        if switches["xet"] and "lfs" in item:  # 「内容在 Xet 里，到那里换令牌」
            headers |= {"X-Xet-Hash": "0" * 64, "X-Xet-Refresh-Route":
                        f"https://huggingface.co/api/models/{CHECKPOINT}/xet-read-token/main"}
        return 206 if start else 200, headers, body[start:]
    if re.search("/tree/[^/]+$", path):
        return 200, {}, json.dumps([entry(name) for name in served]).encode()
    if "/revision/" in path or path.endswith(CHECKPOINT):
        return 200, {}, json.dumps({"id": CHECKPOINT, "sha": COMMIT}).encode()
    return 404, {"X-Repo-Commit": COMMIT, "X-Error-Code": "EntryNotFound"}, b""
# --8<-- [end:reply]
# --8<-- [start:mirror]
Request = namedtuple("Request", "method path start token sent")
requests = []

class Mirror(BaseHTTPRequestHandler):
    """只在本机监听的镜像，把每个请求记进 requests。"""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """照 reply 回答；HEAD 只发头，不发内容。"""
        path = self.path.partition("?")[0]
        status, headers, body = reply(path, self.headers)
        self.send_response(status)
        for key, value in (headers | {"Content-Length": len(body)}).items():
            self.send_header(key, str(value))
        self.end_headers()
        limit = 0 if self.command == "HEAD" else len(body)
        if switches["cut"] and limit > switches["cut"]:  # 只断一次
            limit, switches["cut"], self.close_connection = switches["cut"], None, True
        self.wfile.write(body[:limit])
        requests.append(Request(self.command, path, self.headers["Range"],
                                self.headers["Authorization"], limit))

    do_HEAD = do_GET

    def log_message(self, *args):
        """不往标准错误里写日志。"""

server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
threading.Thread(target=server.serve_forever, daemon=True).start()
ENDPOINT = f"http://127.0.0.1:{server.server_port}"
Path("endpoint.txt").write_text(ENDPOINT)
# --8<-- [end:mirror]
# --8<-- [start:client]
def environment(**settings):
    """另起的进程用的环境变量：自己的 HF_ 变量一概不带，再加上 settings。"""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return clean | {"HF_ENDPOINT": ENDPOINT, "HF_HUB_CACHE": "cache", "HF_HUB_OFFLINE": "0",
                    "HF_HOME": "hf-home", "NO_PROXY": "127.0.0.1"} | settings

def client(code, **settings):
    """另起一个 Python 执行 code，Hub 指向本页的镜像；返回 (标准输出, 标准错误)。"""
    requests.clear()
    done = subprocess.run([sys.executable, "-c", code], env=environment(**settings),
                          capture_output=True, text=True)
    return done.stdout.strip(), done.stderr.strip()

def heard():
    """镜像听到的请求，略去与模型无关的 /api/agent-harnesses。"""
    return [request for request in requests if CHECKPOINT in request.path]

SNAPSHOT = f"""
from huggingface_hub import snapshot_download
snapshot_download({CHECKPOINT!r}, revision=REVISION, max_workers=1,
                  allow_patterns={FILES!r})
"""  # max_workers=1：一个一个来，看得清次序
main = SNAPSHOT.replace("REVISION", "'main'")
pinned = SNAPSHOT.replace("REVISION", repr(COMMIT))
client(main)
for request in heard():
    print(f"{request.method:4}", request.path.replace(COMMIT, "<提交号>"))
needed = sum(request.sent for request in heard())
# --8<-- [end:client]
# --8<-- [start:count-requests]
EACH = f"""
from huggingface_hub import hf_hub_download
for name in {FILES!r}:
    hf_hub_download({CHECKPOINT!r}, name)
"""
counts = {"整份，第一次": Counter(request.method for request in heard())}
for name, code, offline in (("整份，再来一次", main, "0"), ("逐个文件，再来一次", EACH, "0"),
                            ("整份，写死提交号", pinned, "0"), ("逐个文件，离线", EACH, "1")):
    client(code, HF_HUB_OFFLINE=offline)
    counts[name] = Counter(request.method for request in heard())
for name, count in counts.items():
    print(f"{name}：GET {count['GET']}，HEAD {count['HEAD']}")
assert counts["整份，第一次"] == {"GET": 2 + len(FILES), "HEAD": len(FILES)}
assert counts["逐个文件，再来一次"] == {"HEAD": len(FILES)}  # 内容都在本地，仍要逐个问一遍
assert not counts["整份，写死提交号"] and not counts["逐个文件，离线"]
# --8<-- [end:count-requests]
# --8<-- [start:whole-repository]
client(f"from huggingface_hub import snapshot_download; snapshot_download({CHECKPOINT!r})",
       HF_HUB_CACHE="whole")
whole = sum(request.sent for request in heard())
print(f"结论｜下载 {CHECKPOINT}｜按名单取，字节是整仓的 {needed / whole:.2f}｜不写名单 {whole / whole:.2f}")
assert needed < 0.35 * whole
# --8<-- [end:whole-repository]
# --8<-- [start:resume]
big = Path("big.bin")
big.write_bytes(random.Random(SEED).randbytes(24_000_000))  # 大到看得出断点
served[big.name] = big.resolve()
BIG = f"from huggingface_hub import hf_hub_download as get; get({CHECKPOINT!r}, '{big.name}')"
switches["cut"] = 15_000_000  # 发到这里，连接断一次
client(BIG)
for request in heard():
    print(f"{request.method} {request.start or '从头'}，镜像发了 {request.sent:,} 字节")
fetched = Path("cache", folder.name, "snapshots", COMMIT, big.name)
assert fetched.read_bytes() == big.read_bytes()  # 接起来一个字节不差
# --8<-- [end:resume]
# --8<-- [start:verify]
VERIFY = f"""
from huggingface_hub import HfApi
result = HfApi().verify_repo_checksums({CHECKPOINT!r}, cache_dir="cache")
print(f"核对 {{result.checked_count}} 个文件，不符的：", *[bad["path"] for bad in result.mismatches])
"""
weights = Path("cache", folder.name, "snapshots", COMMIT, "model.safetensors")
with weights.open("r+b") as file:  # 改掉最后一个字节：大小不变
    file.seek(-1, os.SEEK_END)
    last = file.read(1)
    file.seek(-1, os.SEEK_END)
    file.write(bytes([last[0] ^ 1]))
print("重新下载之后，" + client(main + VERIFY)[0])
# --8<-- [end:verify]
# --8<-- [start:local-checksums]
def sha256(path):
    """文件的 SHA-256，十六进制。"""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

manifest = {name: sha256(snapshot / name) for name in FILES}  # 联网的机器上算，另走一条路送去
wrong = [name for name, digest in manifest.items() if sha256(weights.parent / name) != digest]
print("与清单不符：", *wrong)
weights.resolve().unlink()  # 删掉坏的内容，链接会断，下次就重新取
client(main)
assert all(sha256(weights.parent / name) == digest for name, digest in manifest.items())
# --8<-- [end:local-checksums]
# --8<-- [start:carry]
def size(folder):
    """文件夹里实际占的字节；链接不算。"""
    return sum(path.stat().st_size for path in folder.rglob("*")
               if path.is_file() and not path.is_symlink())

source = Path("cache", folder.name)
shutil.copytree(source, Path("usb", folder.name), symlinks=True)  # 等于 cp -a、rsync -a
shutil.copytree(source, Path("usb-followed", folder.name))  # 链接变成了实实在在的文件
print(f"保留链接 {size(Path('usb')) / size(source):.2f} 倍，不保留 "
      f"{size(Path('usb-followed')) / size(source):.2f} 倍")
LOAD = EACH + """
    if name == "model.safetensors":
        from safetensors import safe_open
        tensors = safe_open(hf_hub_download(REPOSITORY, name), framework="np").keys()
print("离线的机器读出了张量：", len(tensors) > 0)
""".replace("REPOSITORY", repr(CHECKPOINT))
said, error = client(LOAD, HF_HUB_CACHE="usb", HF_HUB_OFFLINE="1")
print(f"{said}\n报错：{error or '无'}；请求：{len(requests)} 个")
# --8<-- [end:carry]
# --8<-- [start:close]
server.shutdown()
server.server_close()
# --8<-- [end:close]
