"""Stand-ins for models of pictures: the real architecture and image processor, random weights."""

from pathlib import Path

from tooling.stand_ins_shared import SMALL


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
