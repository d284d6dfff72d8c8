"""Stand-ins for models of text: the real architecture and tokenizer class, random weights."""

import json
from pathlib import Path
from typing import Any

from tooling.stand_ins_shared import PAIR, SMALL, ascii_and_common_hanzi, bytes_alone

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_base_chinese(folder: Path) -> None:
    """BERT with heads for masked words and next sentences: 2 layers of width 32."""
    from transformers import BertForPreTraining

    _bert(folder, BertForPreTraining)


def chinese_pert_base_mrc(folder: Path) -> None:
    """BERT with a head for answer spans: 2 layers of width 32."""
    from transformers import BertForQuestionAnswering

    _bert(folder, BertForQuestionAnswering)


def _bert(folder: Path, architecture: Any) -> None:
    import torch
    from transformers import BertConfig, BertTokenizer

    torch.manual_seed(0)
    vocabulary = SPECIAL + ascii_and_common_hanzi()
    architecture(BertConfig(vocab_size=len(vocabulary), **SMALL)).save_pretrained(folder)
    BertTokenizer(vocab={token: index for index, token in enumerate(vocabulary)}).save_pretrained(folder)


def opus_mt_zh_en(folder: Path) -> None:
    """Marian, Chinese to English, with trained SentencePiece models: 2 + 2 layers of width 32."""
    import torch
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    torch.manual_seed(0)
    vocabulary = {"</s>": 0, "<unk>": 1}  # one for both languages; padding comes last and starts the decoder
    texts = {"source.spm": (["。〇", *ascii_and_common_hanzi()], 4000), "target.spm": ([__doc__ or ""], 90)}
    for name, (lines, size) in texts.items():
        with (folder / name).open("wb") as file:
            SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=file,
                model_type="bpe",
                vocab_size=size,
                character_coverage=1.0,
                minloglevel=2,
            )
        pieces = SentencePieceProcessor(model_file=str(folder / name))
        for index in range(pieces.vocab_size()):
            vocabulary.setdefault(pieces.id_to_piece(index), len(vocabulary))
    pad = vocabulary.setdefault("<pad>", len(vocabulary))
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    config = MarianConfig(
        vocab_size=pad + 1,
        **PAIR,
        pad_token_id=pad,
        decoder_start_token_id=pad,
    )
    MarianMTModel(config).save_pretrained(folder)
    MarianTokenizer.from_pretrained(folder, source_lang="zho", target_lang="eng").save_pretrained(folder)


CHATML = (  # as the real one: a system message of its own where the conversation brings none
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def qwen2_5_instruct(folder: Path) -> None:
    """Qwen2 with a chat template and a vocabulary of bytes: 2 layers of width 32."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

    torch.manual_seed(0)
    tokenizer = Qwen2Tokenizer(
        vocab=bytes_alone(),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>", "<|im_end|>"],
        chat_template=CHATML,
    )
    config = Qwen2Config(
        vocab_size=264,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def esm2_8m(folder: Path) -> None:
    """ESM-2 with the 33 tokens of the real vocabulary: 2 layers of width 32."""
    import torch
    from transformers import EsmConfig, EsmForMaskedLM, EsmTokenizer

    torch.manual_seed(0)
    vocabulary = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = EsmConfig(  # tokens, positions and dropout of masked tokens as in the real one
        vocab_size=33,
        mask_token_id=32,
        pad_token_id=1,
        **SMALL,
        max_position_embeddings=1026,
        position_embedding_type="rotary",
        token_dropout=True,
    )
    EsmForMaskedLM(config).save_pretrained(folder)
    EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
