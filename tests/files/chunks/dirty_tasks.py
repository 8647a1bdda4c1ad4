"""A task that leaves secrets in the memory of its process before it reads."""

import ctypes

from panosc.files.chunks import library

SECRET = b"secret of another dataset "


def read_after_secrets(path: str, size: int) -> bytes:
    """Return the values of ``/d``, read where secrets were freed."""
    allocator = ctypes.CDLL(None)
    allocator.malloc.restype = ctypes.c_void_p
    allocator.free.argtypes = [ctypes.c_void_p]
    for _ in range(3):
        held = [allocator.malloc(size) for _ in range(64)]
        for place in held:
            ctypes.memmove(place, (SECRET * (size // len(SECRET) + 1))[:size], size)
        for place in held:
            allocator.free(place)
    found: bytes = library.read(path, "/d").tobytes()
    return found
