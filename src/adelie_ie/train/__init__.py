"""Training: SFT and DPO on TRL. Knows conversations, not tasks."""
