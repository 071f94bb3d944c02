"""Every error of this room.

MlError
├── FeatureError          the feature frame breaks its contract
├── HistoryError          purchase histories that cannot have happened, or say nothing
├── LabelError            an outcome was asked for that cannot be known yet
└── RegistryError         the model store cannot do what was asked
    ├── VersionNotFound   no such version or alias
    └── VersionCorrupt    a file is missing, changed or holds a type that is not allowed
"""

from __future__ import annotations


class MlError(Exception):
    """Base of all errors of this room."""


class FeatureError(MlError):
    """The feature frame breaks its contract."""


class HistoryError(MlError):
    """Purchase histories cannot have happened, or say nothing."""


class LabelError(MlError):
    """An outcome was asked for that cannot be known yet."""


class RegistryError(MlError):
    """The model store cannot do what was asked."""


class VersionNotFound(RegistryError):
    """No such version or alias."""


class VersionCorrupt(RegistryError):
    """A file of a version is missing, changed or holds a type that is not allowed."""
