"""IEInstruct: questions become instruction conversations."""
