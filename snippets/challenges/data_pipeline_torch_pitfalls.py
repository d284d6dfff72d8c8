# --8<-- [start:flattening]
from transformers import DataCollatorWithFlattening

collate = DataCollatorWithFlattening(return_flash_attn_kwargs=True)
flat = collate([{"input_ids": ids.tolist()} for ids in documents[:3]])
print("形状", tuple(flat["input_ids"].shape), "各篇起止", flat["cu_seq_lens_q"].tolist())
print("不算损失的目标", (flat["labels"] == -100).sum().item(), "个")
assert flat["position_ids"][0].tolist() == [k for n in lengths[:3] for k in range(n)]
# --8<-- [end:flattening]

# --8<-- [start:forgotten-worker-info]
class Forgetful(TokenStream):
    """忘了问自己是第几个读取进程的 TokenStream。"""
    def __iter__(self):
        for path in self.paths:  # 每个读取进程都把所有分片读一遍
            with path.open() as lines:
                yield from (tuple(json.loads(line)) for line in lines)

for num_workers in (0, 2):
    ids = read_ids(Forgetful(paths), num_workers)
    print(f"{num_workers} 个读取进程：得到 {len(ids)} 篇，不同的 {len(set(ids))} 篇")
assert len(ids) == 2 * NUM_DOCS
# --8<-- [end:forgotten-worker-info]

# --8<-- [start:shuffle-iterable]
DataLoader(stream, batch_size=None, shuffle=True)
# --8<-- [end:shuffle-iterable]

# --8<-- [start:default-collate]
next(iter(DataLoader(documents, batch_size=BATCH_SIZE)))
# --8<-- [end:default-collate]
