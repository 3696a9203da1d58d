"""IEFeedback: sampled answers, scored against gold, become preference pairs."""
