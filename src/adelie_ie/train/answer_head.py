"""On a CPU, the LM head is applied only where a token bears loss.

TRL's fused head does so on GPUs with Triton kernels, but scores every position elsewhere; with a vocabulary of 50,000
and answers of a fifth of the tokens that is a large part of a small model's time and most of its memory.
"""

from __future__ import annotations

import types
from typing import Any

import torch
from trl.trainer.utils import FusedCausalLMOutput

_SCALED = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier", "output_multiplier")


def score_answers_only(model: Any) -> None:
    """Replace TRL's fused head of a model on a CPU; models that scale or cap their logits keep TRL's.

    Args:
        model: the causal language model itself (not its adapter wrapper), after TRL prepared it.
    """
    config = model.config.get_text_config()
    if torch.cuda.is_available() or any(getattr(config, name, None) for name in _SCALED):
        return
    trl_forward = model.forward

    def forward(
        self: Any, *args: Any, fused_lm_head: bool = False, labels: torch.Tensor | None = None, **kwargs: Any
    ) -> Any:
        if not fused_lm_head or labels is None:
            return trl_forward(*args, fused_lm_head=fused_lm_head, labels=labels, **kwargs)
        kwargs["use_cache"] = False
        kwargs.pop("num_items_in_batch", None)
        hidden = self.base_model(*args, **kwargs).last_hidden_state[:, :-1]
        wanted = labels[:, 1:]
        mask = wanted != -100
        logits = self.get_output_embeddings()(hidden[mask]).float()
        log_probs = logits.log_softmax(-1)
        chosen = log_probs.gather(1, wanted[mask][:, None])[:, 0]

        def spread(values: torch.Tensor) -> torch.Tensor:
            return values.new_zeros(mask.shape).masked_scatter(mask, values)

        with torch.no_grad():
            entropy = -(log_probs.exp() * log_probs).sum(-1)
            top = logits.argmax(-1) == wanted[mask]
            mean = logits.mean(-1)
            squares = (2 * log_probs).logsumexp(-1)
        return FusedCausalLMOutput(
            loss=-chosen.sum() / mask.sum().clamp(min=1),
            log_probs=spread(chosen),
            entropy=spread(entropy),
            log_sum_sq_probs=spread(squares),
            mean_logits=spread(mean),
            is_top1=spread(top),
            label_mask=mask,
            aux_loss=None,
        )

    model.forward = types.MethodType(forward, model)
