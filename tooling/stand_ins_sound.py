"""Stand-ins for models of sound: the real architecture and feature extractor, random weights."""

from pathlib import Path
from typing import Any

from tooling.stand_ins_shared import PAIR, bytes_alone


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
        **PAIR,
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
