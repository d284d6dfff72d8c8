"""The checkpoints that stand in for those of the hub: the real architecture and processor, random weights.

Each function saves one into an empty folder, as `save_pretrained` would save the real one.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_base_chinese(folder: Path) -> None:
    """BERT with heads for masked words and next sentences: 2 layers of width 32."""
    import torch
    from transformers import BertConfig, BertForPreTraining, BertTokenizer

    torch.manual_seed(0)
    vocabulary = SPECIAL + ascii_and_common_hanzi()
    config = BertConfig(vocab_size=len(vocabulary), **SMALL)
    BertForPreTraining(config).save_pretrained(folder)
    BertTokenizer(vocab={token: index for index, token in enumerate(vocabulary)}).save_pretrained(folder)


def chinese_pert_base_mrc(folder: Path) -> None:
    """BERT with a head for answer spans: 2 layers of width 32."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizer

    torch.manual_seed(0)
    vocabulary = SPECIAL + ascii_and_common_hanzi()
    config = BertConfig(vocab_size=len(vocabulary), **SMALL)
    BertForQuestionAnswering(config).save_pretrained(folder)
    BertTokenizer(vocab={token: index for index, token in enumerate(vocabulary)}).save_pretrained(folder)


def ascii_and_common_hanzi() -> list[str]:
    """Printable ASCII and the 3,755 characters of GB 2312, level 1."""
    hanzi = [
        bytes([high, low]).decode("gb2312", errors="ignore")
        for high in range(0xB0, 0xD8)
        for low in range(0xA1, 0xFF)
    ]
    return [chr(code) for code in range(33, 127)] + [character for character in hanzi if character]


def bytes_alone() -> dict[str, int]:
    """The vocabulary of a byte-level BPE without merges: a token a byte."""
    from tokenizers.pre_tokenizers import ByteLevel

    return {byte: index for index, byte in enumerate(sorted(ByteLevel.alphabet()))}


def vit_base_patch16_224(folder: Path) -> None:
    """ViT for pictures of 224 × 224 in patches of 16 and 1,000 classes: 2 layers of width 32."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    config = ViTConfig(**SMALL)  # picture, patch and classes as in the real one: so are the shapes
    config.num_labels = 1000
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil().save_pretrained(folder)  # without torchvision; saved under the common name


def yolos_tiny(folder: Path) -> None:
    """YOLOS with 91 labels: 2 layers of width 32."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    torch.manual_seed(0)
    config = YolosConfig(
        **SMALL,
        image_size=[800, 1333],
        use_mid_position_embeddings=False,
    )
    config.num_labels = 91
    YolosForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 512, "longest_edge": 1333}
    YolosImageProcessorPil(size=size).save_pretrained(folder)


def swin2sr_classical_x2(folder: Path) -> None:
    """Swin2SR that doubles both sides of a picture: 2 stages of 2 layers, width 16."""
    import torch
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution, Swin2SRImageProcessor

    torch.manual_seed(0)
    config = Swin2SRConfig(embed_dim=16, depths=[2, 2], num_heads=[2, 2])
    Swin2SRForImageSuperResolution(config).save_pretrained(folder)
    Swin2SRImageProcessor().save_pretrained(folder)  # without torchvision, transformers takes its Pillow one


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
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
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


def whisper_tiny(folder: Path) -> None:
    """Whisper: a log-mel front end for 30 s, an encoder and a decoder; byte-level BPE without merges."""
    import torch
    import transformers

    torch.manual_seed(0)
    marks = ["startoftranscript", "en", "zh", "translate", "transcribe", "notimestamps"]
    tokenizer = transformers.WhisperTokenizer(
        vocab=bytes_alone(),
        pad_token="<|endoftext|>",
        extra_special_tokens=[f"<|{mark}|>" for mark in marks],
    )
    ids: list[Any] = [tokenizer.convert_tokens_to_ids(f"<|{mark}|>") for mark in marks]
    start, en, zh, translate, transcribe, no_timestamps = ids
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), tokenizer.eos_token_id)
    config = transformers.WhisperConfig(  # mel bands, window and sampling rate as in the real one
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        begin_suppress_tokens=None,
        decoder_start_token_id=start,
        **ends,
    )
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        **ends,
        decoder_start_token_id=start,
        max_length=448,
        is_multilingual=True,
        lang_to_id={"<|en|>": en, "<|zh|>": zh},
        task_to_id={"translate": translate, "transcribe": transcribe},
        no_timestamps_token_id=no_timestamps,
    )
    model.save_pretrained(folder)
    transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)


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


STAND_INS: dict[str, Callable[[Path], None]] = {
    "google-bert/bert-base-chinese": bert_base_chinese,
    "hfl/chinese-pert-base-mrc": chinese_pert_base_mrc,
    "google/vit-base-patch16-224": vit_base_patch16_224,
    "hustvl/yolos-tiny": yolos_tiny,
    "caidas/swin2SR-classical-sr-x2-64": swin2sr_classical_x2,
    "Helsinki-NLP/opus-mt-zh-en": opus_mt_zh_en,
    "Qwen/Qwen2.5-0.5B-Instruct": qwen2_5_instruct,
    "openai/whisper-tiny": whisper_tiny,
    "facebook/esm2_t6_8M_UR50D": esm2_8m,
}
