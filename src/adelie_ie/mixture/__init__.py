"""The mixture of IE instances and general data."""
