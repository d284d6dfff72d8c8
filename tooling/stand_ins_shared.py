"""What several stand-ins share: the sizes of a small encoder and of a small pair, vocabularies."""

from typing import Any

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}

PAIR: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}


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
