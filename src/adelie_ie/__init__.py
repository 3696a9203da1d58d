"""adelie-ie: align open language models on information extraction.

Importing this package loads no deep-learning library; what needs one imports it in its own module.
"""

from adelie_ie.document import Document, load_documents, save_documents
from adelie_ie.errors import AdelieError, InputError
from adelie_ie.schema import Schema

__version__ = "0.1.0"

__all__ = ["AdelieError", "Document", "InputError", "Schema", "__version__", "load_documents", "save_documents"]
