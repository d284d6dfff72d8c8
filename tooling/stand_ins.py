"""The checkpoints that stand in for those of the hub: which function makes which.

Each function saves one into an empty folder, as `save_pretrained` would save the real one: the real
architecture and processor, random weights. They lie in `stand_ins_<subject>.py`.
"""

from collections.abc import Callable
from pathlib import Path

from tooling.stand_ins_sound import whisper_tiny
from tooling.stand_ins_text import (
    bert_base_chinese,
    chinese_pert_base_mrc,
    esm2_8m,
    opus_mt_zh_en,
    qwen2_5_instruct,
)
from tooling.stand_ins_vision import swin2sr_classical_x2, vit_base_patch16_224, yolos_tiny

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


def named_in(text: str) -> dict[str, Callable[[Path], None]]:
    """The stand-ins whose repository a text names."""
    return {name: make for name, make in STAND_INS.items() if name in text}
