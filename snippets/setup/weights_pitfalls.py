# --8<-- [start:request-figure]
from matplotlib import rc_context
from matplotlib.figure import Figure

LABELS = ("snapshot,\nfirst time", "snapshot,\nagain", "file by file,\nagain",
          "snapshot,\npinned commit", "file by file,\noffline")
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42"}):
    fig = Figure(figsize=(7, 3), layout="constrained")
    ax = fig.subplots()
    head = [count["HEAD"] for count in counts.values()]
    get = [count["GET"] for count in counts.values()]
    ax.bar(LABELS, head, color="C0", label="HEAD: has it changed?")
    ax.bar(LABELS, get, bottom=head, color="C1", label="GET: send it")
    for x, total in enumerate(h + g for h, g in zip(head, get)):
        ax.text(x, total + 0.2, str(total), ha="center")
    ax.set(ylabel="requests", ylim=(0, 12))
    ax.legend(loc="upper right")
    fig.savefig("weights-requests.svg", metadata={"Date": None})
# --8<-- [end:request-figure]

# --8<-- [start:xet-mirror]
switches["xet"] = True  # 镜像照抄了 Hub 的 Xet 头，却没有换令牌的接口
code = f"import huggingface_hub as hub; hub.hf_hub_download({CHECKPOINT!r}, 'model.safetensors')"
for disable in ("0", "1"):
    error = client(code, HF_HUB_CACHE=f"xet-{disable}", HF_HUB_DISABLE_XET=disable)[1]
    asked = [f"{r.method} …/{r.path.split('/')[-2 if 'xet' in r.path else -1]}" for r in heard()]
    result = "404 Not Found" if "404 Not Found" in error else error or "成功"
    print(f"HF_HUB_DISABLE_XET={disable}：" + "，".join(asked), "→", result)
switches["xet"] = False
# --8<-- [end:xet-mirror]

# --8<-- [start:killed-download]
import time

def halves():
    """缓存里半截的文件有几个。"""
    return len(list(Path("killed").rglob("*.incomplete")))

switches["cut"] = 15_000_000
requests.clear()
process = subprocess.Popen([sys.executable, "-c", BIG], env=environment(HF_HUB_CACHE="killed"),
                           stderr=subprocess.DEVNULL)
while not any(request.sent == 15_000_000 for request in requests):  # 等到断线
    time.sleep(0.02)
process.kill()  # 断电、关机、被系统回收，都是这样
process.wait()
print("留下半截文件", halves(), "个")
client(BIG, HF_HUB_CACHE="killed")
print("再来一次：" + "，".join(f"{r.method} {r.start or '从头'}" for r in heard()))
print("下完之后，半截文件还有", halves(), "个")
# --8<-- [end:killed-download]

# --8<-- [start:dependency-confusion]
import zipfile
from http.server import SimpleHTTPRequestHandler

def publish(index, name, version):
    """在文件夹 index 里放一个只有元数据的包，布局照 PEP 503。"""
    place = Path("indexes", index, name)
    place.mkdir(parents=True, exist_ok=True)
    wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    with zipfile.ZipFile(place / wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA",
                         f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL",
                         "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")

class Index(SimpleHTTPRequestHandler):
    """把 indexes 文件夹当作两个包索引。"""
    def __init__(self, *args):
        super().__init__(*args, directory="indexes")

    def log_message(self, *args):
        """不写日志。"""

publish("internal", "corp-tokenizer", "1.2.0")
publish("public", "corp-tokenizer", "99.0.0")  # 别人抢注的同名包，版本号故意很大
index = ThreadingHTTPServer(("127.0.0.1", 0), Index)
threading.Thread(target=index.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{index.server_port}"
for name, extra in (("只有内部索引", []),
                    ("内部索引，另加公共索引", ["--extra-index-url", f"{url}/public"])):
    target = Path(f"pip-{len(extra)}")
    subprocess.run([sys.executable, "-m", "pip", "--isolated", "--quiet", "download", "--no-deps",
                    "--no-cache-dir", "--dest", target, "--index-url", f"{url}/internal", *extra,
                    "corp-tokenizer"], check=True,
                   env=environment(PIP_CONFIG_FILE=os.devnull))  # 不读这台机器的 pip 设置
    print(f"{name}：装到", *(path.name.split("-")[1] for path in target.iterdir()))
index.shutdown()
index.server_close()
# --8<-- [end:dependency-confusion]

# --8<-- [start:token-travels]
switches["gated"] = "tokenizer.json"  # 这个文件要授权，别的公开
code = f"""
import huggingface_hub as hub
for name in ("config.json", "tokenizer.json"):
    for token in (None, False):
        try:
            hub.hf_hub_download({CHECKPOINT!r}, name, cache_dir=f"token-{{token}}", token=token)
            print(name, token, "取到了")
        except OSError as error:
            print(name, token, type(error).__name__)
"""
print(client(code, HF_TOKEN="hf_demo")[0])
for request in heard():
    print(f"镜像看到 {request.method:4} {request.path.split('/')[-1]:14} {request.token}")
switches["gated"] = None
# --8<-- [end:token-travels]

# --8<-- [start:endpoint-too-late]
LATE = """
import huggingface_hub.constants as hub  # transformers、datasets 也会导入它
import os
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
print(hub.ENDPOINT)
"""
EARLY = """
import os
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
import huggingface_hub.constants as hub
print(hub.ENDPOINT)
"""
for name, code in (("导入之后才设", LATE), ("导入之前就设", EARLY)):
    print(f"{name}：", client(code, HF_ENDPOINT="https://huggingface.co")[0])
# --8<-- [end:endpoint-too-late]

# --8<-- [start:links-without-blobs]
from huggingface_hub import hf_hub_download

for part in ("refs", "snapshots"):  # 漏了 blobs：快照里全是断了的链接
    shutil.copytree(source / part, Path("half", folder.name, part), symlinks=True)
hf_hub_download(CHECKPOINT, "config.json", cache_dir="half", local_files_only=True)
# --8<-- [end:links-without-blobs]

# --8<-- [start:lfs-pointer]
from safetensors import safe_open

Path("pointer.safetensors").write_text(  # 没装 git-lfs 就 git clone，得到的是这样一张纸条
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{manifest['model.safetensors']}\n"
    f"size {served['model.safetensors'].stat().st_size}\n")
safe_open("pointer.safetensors", framework="np")
# --8<-- [end:lfs-pointer]

# --8<-- [start:url-as-name]
from huggingface_hub import hf_hub_download

hf_hub_download(f"https://huggingface.co/{CHECKPOINT}", "config.json")
# --8<-- [end:url-as-name]
