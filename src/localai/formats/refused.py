"""What is refused by its kind alone, and why.

Model formats that run code when they are opened, or that may: Python's pickle by whatever name
(Python's manual: "Never unpickle data that could have come from an untrusted source"), Keras'
Lambda layers, which hold Python bytecode, TensorFlow's graphs, which read and write files, R's
promises, Java's objects. Besides them what has to be unpacked first, and what is no data at all.
"""

from __future__ import annotations

from localai.formats.format import AGAIN, AS_DATA, OWN_GGUF, Format, Kind


def _refuse(name: str, why: str, remedy: str) -> Format:
    return Format(Kind.REFUSED, name, why, remedy)


def _unpack(name: str) -> Format:
    why = "nothing is looked at through a compression: what it unpacks to has no bound"
    return _refuse(name, why, "unpack it, and look at what comes out")


def _other(name: str, remedy: str = AS_DATA) -> Format:
    return _refuse(name, "nothing in it can be looked at: localai has no reader for it", remedy)


_PICKLE = "a pickle names functions, and opening it calls them: whoever made it runs code here"
_ZIPPED = f"{_PICKLE}; the archive holds one"

PICKLE = _refuse("Python pickle", _PICKLE, OWN_GGUF)
TORCH = _refuse("PyTorch checkpoint (ZIP with a pickle)", _ZIPPED, OWN_GGUF)
OLD_TORCH = _refuse("PyTorch checkpoint (pickle)", _PICKLE, OWN_GGUF)
JOBLIB = _refuse("joblib file (pickle)", _PICKLE, OWN_GGUF)
NUMPY_OBJECTS = _refuse("NumPy file with objects (pickle)", _PICKLE, AS_DATA)
NUMPY = _other("NumPy array")
NUMPY_ZIP = _refuse(
    "NumPy archive (ZIP)", "each array in it may hold objects, and then it is a pickle", AS_DATA
)
KERAS = _refuse(
    "Keras model (ZIP)", "a Lambda layer is Python code, and opening the model runs it", OWN_GGUF
)
HDF5 = _refuse(
    "HDF5 file, as Keras writes",
    "a Keras model's Lambda layers are Python bytecode, and its attributes may be pickles",
    OWN_GGUF,
)
TENSORFLOW = _refuse(
    "TensorFlow graph", "a graph's operations read and write files and call Python", OWN_GGUF
)
TFLITE = _other("TensorFlow Lite model", OWN_GGUF)
ONNX = _refuse(
    "ONNX model", "it may name other files as its weights and bring operations", OWN_GGUF
)
NEMO = _refuse(
    "NeMo model (tar)",
    f"its configuration names Python classes, its weights are a pickle: {_PICKLE}",
    OWN_GGUF,
)
MSGPACK = _refuse(
    "msgpack file, as Flax writes",
    "its extension types become whatever objects the program that opens it likes",
    OWN_GGUF,
)
R_DATA = _refuse("R data", "a promise in it is R code, and looking at it runs it", AS_DATA)
JAVA = _refuse(
    "serialised Java objects", "opening them runs the methods of the classes they name", AS_DATA
)
OLD_GGML = _refuse(
    "GGML file, the format before GGUF", "the engine reads it no longer, nor do we", OWN_GGUF
)
PROGRAM = _refuse("program", "it is neither weights nor data, but runs by itself", AGAIN)
WEB_PAGE = _refuse("web page", "a download that went wrong leaves one", AGAIN)
LFS_POINTER = _refuse(
    "Git LFS pointer", "it stands for the file: it is not the file", "git lfs pull"
)
ENCRYPTED_PARQUET = _other("Parquet with an encrypted footer")
WORKBOOK = _refuse("office document (ZIP)", "it may hold macros and links", AS_DATA)
OLE = _refuse("office document (OLE)", "it may hold macros and links", AS_DATA)
ZIP = _unpack("ZIP archive")
TAR = _unpack("tar archive")
GZIP = _unpack("gzip file")
EMPTY = _refuse("empty file", "there is nothing in it", AGAIN)
UNKNOWN = _other("file of an unknown format")


def is_two_things(found: Format) -> Format:
    """A file that one program takes for ``found`` and another for a ZIP archive."""
    why = f"one program reads {found.name}, another the archive at its end"
    return _refuse(f"{found.name} that is also a ZIP archive", why, AGAIN)


# What a file begins with. The longer beginning stands first where one begins another.
BEGINNINGS: tuple[tuple[bytes, Format], ...] = (
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", OLD_TORCH),
    *((bytes((0x80, protocol)), PICKLE) for protocol in range(2, 6)),
    (b"\x1f\x8b", GZIP),
    (b"\x28\xb5\x2f\xfd", _unpack("zstd file")),
    (b"BZh", _unpack("bzip2 file")),
    (b"\xfd7zXZ\x00", _unpack("xz file")),
    (b"\x04\x22\x4d\x18", _unpack("LZ4 file")),
    (b"\xff\x06\x00\x00sNaPpY", _unpack("Snappy file")),
    (b"\x1f\x9d", _unpack("compress file")),
    (b"7z\xbc\xaf\x27\x1c", _unpack("7z archive")),
    (b"Rar!\x1a\x07", _unpack("RAR archive")),
    (b"\x5d\x00\x00", _unpack("LZMA file")),
    (b"RDX2\n", R_DATA),
    (b"RDX3\n", R_DATA),
    (b"RDA2\n", R_DATA),
    (b"RDA3\n", R_DATA),
    (b"X\n\x00\x00\x00", R_DATA),
    (b"\xac\xed\x00\x05", JAVA),
    (b"lmgg", OLD_GGML),
    (b"fmgg", OLD_GGML),
    (b"tjgg", OLD_GGML),
    (b"algg", OLD_GGML),
    (b"\x7fELF", PROGRAM),
    (b"MZ", PROGRAM),
    (b"\xcf\xfa\xed\xfe", PROGRAM),
    (b"\xca\xfe\xba\xbe", PROGRAM),
    (b"#!", PROGRAM),
    (b"version https://git-lfs", LFS_POINTER),
    (b"PARE", ENCRYPTED_PARQUET),
    (b"ARROW1", _other("Arrow file")),
    (b"\xff\xff\xff\xff", _other("Arrow stream")),
    (b"ORC", _other("ORC file")),
    (b"Obj\x01", _other("Avro file")),
    (b"SQLite format 3\x00", _other("SQLite database")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"%PDF-", _other("PDF document")),
)

# What stands for a pickle-type format where its first bytes say nothing.
ENDINGS: dict[str, Format] = {
    **dict.fromkeys((".pkl", ".pickle", ".dill", ".pdparams"), PICKLE),
    **dict.fromkeys((".pt", ".pth", ".ckpt"), OLD_TORCH),
    **dict.fromkeys((".joblib", ".z"), JOBLIB),
    **dict.fromkeys((".h5", ".hdf5"), HDF5),
    **dict.fromkeys((".pb", ".pbtxt"), TENSORFLOW),
    **dict.fromkeys((".rds", ".rda", ".rdata"), R_DATA),
    ".npy": NUMPY_OBJECTS,
    ".npz": NUMPY_ZIP,
    ".keras": KERAS,
    ".onnx": ONNX,
    ".nemo": NEMO,
    ".msgpack": MSGPACK,
}
