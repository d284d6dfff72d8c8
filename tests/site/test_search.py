"""The search as a reader uses it: in Chinese, and in Chinese mixed with Latin names."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from .conftest import Visit
from .test_facts import CONTENT, PROJECT

# What a reader would type, written down before any result was seen, and the page that he wants.
QUERIES = [
    ("pip 镜像", "setup/weights/"),
    ("HF_ENDPOINT 下载权重", "setup/weights/"),
    ("参数量怎么算", "concepts/large-models/"),
    ("KV 缓存占多少显存", "concepts/large-models/"),
    ("忘了梯度清零", "concepts/training/"),
    ("前向传播 反向传播", "concepts/training/"),
    ("从零训练 GPT", "concepts/mini-gpt/"),
    ("困惑度", "concepts/mini-gpt/"),
    ("训练大模型难在哪里", "challenges/"),
    ("症状对照表", "challenges/"),
    ("混合精度训练", "challenges/compute/"),
    ("梯度累积", "challenges/compute/"),
    ("Horovod 迁移", "challenges/distributed/"),
    ("ZeRO 显存", "challenges/distributed/"),
    ("MinHash 去重", "challenges/data-pipeline/"),
    ("BPE 分词器", "challenges/data-pipeline/"),
    ("损失变成 NaN", "challenges/debugging/"),
    ("学习率扫描", "challenges/debugging/"),
    ("差分隐私", "challenges/data-security/"),
    ("成员推断攻击", "challenges/data-security/"),
    ("超参数搜索", "challenges/automl/"),
    ("Optuna 剪枝", "challenges/automl/"),
    ("情感分析", "nlp/text-classification/"),
    ("微调 bert-base-chinese", "nlp/text-classification/"),
    ("束搜索", "nlp/machine-translation/"),
    ("BLEU 怎么算", "nlp/machine-translation/"),
    ("BM25 检索", "nlp/question-answering/"),
    ("RAG", "nlp/question-answering/"),
    ("提示注入", "nlp/dialogue/"),
    ("LoRA 微调", "nlp/dialogue/"),
    ("ViT 图块嵌入", "vision/image-classification/"),
    ("人脸识别", "vision/image-classification/"),
    ("DETR", "vision/object-detection/"),
    ("非极大值抑制", "vision/object-detection/"),
    ("扩散模型", "vision/image-generation/"),
    ("GAN 模式塌缩", "vision/image-generation/"),
    ("超分辨率", "vision/image-enhancement/"),
    ("图像去噪", "vision/image-enhancement/"),
    ("冷启动", "beyond/recommendation/"),
    ("协同过滤", "beyond/recommendation/"),
    ("启动子", "beyond/bioinformatics/"),
    ("遗传密码", "beyond/bioinformatics/"),
    ("CTC 语音识别", "beyond/speech-recognition/"),
    ("梅尔频谱", "beyond/speech-recognition/"),
    ("行为克隆", "beyond/autonomous-driving/"),
    ("自动驾驶 DAgger", "beyond/autonomous-driving/"),
    ("底稿代码的错误", "errata/"),
    ("运行凭据", "evidence/"),
    ("怎样加一页", "contributing/"),
]
NONSENSE = ["糖醋排骨", "zxqvkjw", "珠穆朗玛峰", "qqqq 唐诗三百首", "葡萄牙蛋挞"]

# Types one query and waits until the list shows what it found: the list is emptied before, by an empty query.
ASK = """async (query) => {
  const box = document.querySelector(".md-search__input");
  const meta = document.querySelector(".md-search-result__meta");
  const type = (text) => { box.value = text; box.dispatchEvent(new KeyboardEvent("keyup", { key: "End" })); };
  const changed = () => new Promise((done) => {
    const observer = new MutationObserver(() => { observer.disconnect(); done(); });
    observer.observe(meta, { childList: true, characterData: true, subtree: true });
  });
  if (box.value) { const emptied = changed(); type(""); await emptied; }
  const answered = changed();
  type(query);
  await answered;
  const items = [...document.querySelectorAll(".md-search-result__item")];
  return items.map((item) => item.querySelector("a").href);
}"""


@pytest.fixture(scope="module")
def searcher(browser: Browser, address: str) -> Iterator[Visit]:
    """One page with the search's worker loaded, for all queries."""
    visit = Visit(browser, address, 1280, "light")
    visit.page.goto(address)
    visit.page.locator(".md-search__input").click()
    yield visit
    visit.page.close()


@pytest.mark.parametrize(("query", "page"), QUERIES, ids=[query for query, _ in QUERIES])
def test_a_query_finds_its_page(query: str, page: str, searcher: Visit, address: str) -> None:
    found = [link.removeprefix(address).split("?")[0] for link in searcher.page.evaluate(ASK, query)]
    assert page in [link.split("#")[0] for link in found[:3]], found[:3]


@pytest.mark.parametrize("query", NONSENSE)
def test_nonsense_finds_nothing(query: str, searcher: Visit) -> None:
    assert searcher.page.evaluate(ASK, query) == []


def test_each_page_is_looked_for_twice() -> None:
    wanted = [page for _, page in QUERIES]
    pages = [path.relative_to(PROJECT.docs).with_suffix("").as_posix() for path in CONTENT]
    assert {page: wanted.count(f"{page.removesuffix('index').rstrip('/')}/") for page in pages} == {
        page: 2 for page in pages
    }
