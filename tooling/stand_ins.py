"""The checkpoints that stand in for those of the hub: the real architecture and processor, random weights.

Each function saves one into an empty folder, as `save_pretrained` would save the real one.
"""

from collections.abc import Callable
from pathlib import Path

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bert_base_chinese(folder: Path) -> None:
    import torch
    from transformers import BertConfig, BertForPreTraining, BertTokenizer

    torch.manual_seed(0)
    vocabulary = SPECIAL + ascii_and_common_hanzi()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertForPreTraining(config).save_pretrained(folder)
    BertTokenizer(vocab={token: index for index, token in enumerate(vocabulary)}).save_pretrained(folder)


def ascii_and_common_hanzi() -> list[str]:
    """Printable ASCII and the 3,755 characters of GB 2312, level 1."""
    hanzi = [
        bytes([high, low]).decode("gb2312", errors="ignore")
        for high in range(0xB0, 0xD8)
        for low in range(0xA1, 0xFF)
    ]
    return [chr(code) for code in range(33, 127)] + [character for character in hanzi if character]


def vit_base_patch16_224(folder: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    config = ViTConfig(  # picture, patch and classes as in the real one: so are the shapes
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    config.num_labels = 1000
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil().save_pretrained(folder)  # without torchvision; saved under the common name


def yolos_tiny(folder: Path) -> None:
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=[800, 1333],
        use_mid_position_embeddings=False,
    )
    config.num_labels = 91
    YolosForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 512, "longest_edge": 1333}
    YolosImageProcessorPil(size=size).save_pretrained(folder)


def swin2sr_classical_x2(folder: Path) -> None:
    import torch
    from transformers import Swin2SRConfig, Swin2SRForImageSuperResolution, Swin2SRImageProcessor

    torch.manual_seed(0)
    config = Swin2SRConfig(embed_dim=16, depths=[2, 2], num_heads=[2, 2])
    Swin2SRForImageSuperResolution(config).save_pretrained(folder)
    Swin2SRImageProcessor().save_pretrained(folder)  # without torchvision, transformers takes its Pillow one


STAND_INS: dict[str, Callable[[Path], None]] = {
    "google-bert/bert-base-chinese": bert_base_chinese,
    "google/vit-base-patch16-224": vit_base_patch16_224,
    "hustvl/yolos-tiny": yolos_tiny,
    "caidas/swin2SR-classical-sr-x2-64": swin2sr_classical_x2,
}
