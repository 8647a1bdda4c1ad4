"""Files of other formats than HDF5: written by fabio where it can, by hand where no tool does.

Those by hand keep to descriptions of the format: the ILL's of its ASCII blocks, fabio's own
structure of MarCCD headers, SPEC's manual.
"""

import struct
from pathlib import Path

import numpy as np
from fabio.cbfimage import CbfImage
from fabio.edfimage import EdfImage
from fabio.tifimage import TifImage

MINI_HEADER = """
# Detector: PILATUS 6M, S/N 60-0104, ESRF ID29
# 2011-08-04T11:32:25.428
# Pixel_size 172e-6 m x 172e-6 m
# Silicon sensor, thickness 0.000320 m
# Exposure_time 0.037000 s
# Exposure_period 0.040000 s
# Tau = 0 s
# Count_cutoff 1048576 counts
# Threshold_setting: 6329 eV
# Gain_setting: mid gain (vrf = -0.200)
# N_excluded_pixels = 321
# Excluded_pixels: badpix_mask.tif
# Wavelength 0.972386 A
# Detector_distance 0.450000 m
# Beam_xy (1224.69, 1282.91) pixels
# Flux 0.000000
# Filter_transmission 0.300000
# Start_angle 0.000000 deg.
# Angle_increment 0.150000 deg.
# Oscillation_axis omega
"""


def picture(shape: tuple[int, int] = (16, 24)) -> np.ndarray:
    """Counts that are the same every time."""
    return (np.arange(shape[0] * shape[1], dtype=np.int32) * 7 % 101).reshape(shape)


def cbf(path: Path, header: str = MINI_HEADER, shape: tuple[int, int] = (16, 24)) -> Path:
    """Write a CBF file like those of a PILATUS detector."""
    image = CbfImage(data=picture(shape))
    image.header["_array_data.header_convention"] = "PILATUS_1.2"
    image.header["_array_data.header_contents"] = header
    image.pilatus_headers = None
    image.write(str(path))
    return path


def edf(path: Path, **header: str) -> Path:
    """Write an EDF file with the words that the ESRF's beamlines use."""
    words = {
        "title": "silver behenate",
        "time": "Wed Aug 27 10:00:05 2014",
        "ExposureTime": "0.5",
        "WaveLength": "9.919e-11_m",
        "SampleDistance": "1.5019",
        "PSize_1": "0.000172",
        "PSize_2": "0.000172",
        "Center_1": "480.5",
        "Center_2": "590.25",
        "detector": "Pilatus 1M",
        "SampleName": "AgBeh",
        "acq_frame_nb": "3",
        **header,
    }
    EdfImage(data=picture().astype(np.uint16), header=words).write(str(path))
    return path


def tiff(path: Path, *, description: str = "", date: str = "2011:08:04 11:32:25") -> Path:
    """Write a TIFF file by Pillow with tags as cameras set them."""
    from PIL import Image, TiffImagePlugin  # noqa: PLC0415 - slow to import

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[271], tags[272], tags[305], tags[306] = "DECTRIS", "PILATUS 300K", "camserver", date
    if description:
        tags[270] = description
    Image.fromarray(picture().astype(np.uint16)).save(path, tiffinfo=tags)
    return path


def tiff_of_fabio(path: Path) -> Path:
    """Write a TIFF file by fabio: its directory stands elsewhere than Pillow's."""
    TifImage(data=picture().astype(np.uint16)).write(str(path))
    return path


def marccd(path: Path) -> Path:
    """Write a MarCCD file: a TIFF directory, the header at 1024, the picture at 4096."""
    data = picture((32, 32)).astype("<u2")
    tags = [
        (256, 4, 1, 32),
        (257, 4, 1, 32),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 4096),
        (277, 3, 1, 1),
        (278, 4, 1, 32),
        (279, 4, 1, data.nbytes),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    start = b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)
    header = bytearray(3072)
    header[4:7] = b"MMX"
    numbers = {0: 2, 80: 32, 84: 32, 88: 2, 640: 150_000, 644: 16_500, 648: 15_250, 656: 1000}
    numbers |= {684: 45_000, 736: 1000, 772: 79_346, 776: 79_346, 908: 97_934}
    for place, value in numbers.items():
        struct.pack_into("<i", header, place, value)
    header[1024 : 1024 + 8] = b"lysozyme"
    header[1344 : 1344 + 15] = b"032814372008.32"
    header[1440 : 1440 + 14] = b"second crystal"
    path.write_bytes(start.ljust(1024, b"\0") + bytes(header) + data.tobytes())
    return path


def smv(path: Path) -> Path:
    """Write an SMV file as ADSC detectors do; fabio's writer leaves out what matters here."""
    words = {
        "DIM": "2",
        "BYTE_ORDER": "little_endian",
        "TYPE": "unsigned_short",
        "SIZE1": "24",
        "SIZE2": "16",
        "PIXEL_SIZE": "0.1026",
        "BEAMLINE": "BL9-1",
        "DETECTOR_SN": "911",
        "DATE": "Sun Apr 15 12:01:02 2007",
        "TIME": "1.5",
        "DISTANCE": "200.0",
        "OSC_START": "30.0",
        "OSC_RANGE": "0.5",
        "WAVELENGTH": "0.9795",
        "BEAM_CENTER_X": "94.1",
        "BEAM_CENTER_Y": "93.9",
    }
    header = (
        "{\nHEADER_BYTES=  512;\n" + "".join(f"{k}={v};\n" for k, v in words.items()) + "}\n\x0c"
    )
    path.write_bytes(header.encode().ljust(512) + picture().astype("<u2").tobytes())
    return path


def openpmd(path: Path) -> Path:
    """Write a series of one iteration by openPMD's own library."""
    import openpmd_api as io  # noqa: PLC0415 - slow to import

    series = io.Series(str(path), io.Access.create)
    series.author = "Ada Lovelace"
    iteration = series.iterations[5]
    iteration.time, iteration.dt, iteration.time_unit_SI = 12.5, 2.5, 1e-15
    record = iteration.meshes["rho"][io.Mesh_Record_Component.SCALAR]
    record.reset_dataset(io.Dataset(np.dtype("float64"), (4, 4)))
    record.store_chunk(np.zeros((4, 4)))
    iteration.close()
    series.close()
    return path


SPEC = """#F /data/id01/spec/gaas_0815
#E 1385716800
#D Fri Nov 29 10:20:00 2013
#C GaAs wafer, first day  User = opid01
#O0     Delta     Theta       Chi       Phi    energy
#O1        Mu     Gamma

#S 1  ascan  Delta 0.5 1.5 2 1
#D Fri Nov 29 10:21:07 2013
#T 1  (Seconds)
#G0 0 0 1
#Q 1 0 0
#P0 0.5 0.25 90 0 8.048
#P1 0 0
#N 3
#L Delta  Epoch  Detector
0.5 10 100
1.0 11 200
1.5 12 150

#S 2  mesh  Theta 0 1 1 Phi 0 1 1 0.5
#D Fri Nov 29 10:25:00 2013
#T 0.5  (Seconds)
#P0 0.5 0.25 90 0 9.5
#P1 0 0
#N 2
#L Theta  Detector
0 1
#C Fri Nov 29 10:26:00 2013.  Scan aborted after 1 points.

#S 3  ascan  Delta 0.5 1.5 2 1
#D Fri Nov 29 11:00:09 2013
#N 2
#L Delta  Detector
0.5 100
"""


def _row(text: str) -> str:
    return f"{text:<80}"[:80]


def _block(letter: str, counts: list[int], *rows: str) -> list[str]:
    return [letter * 80, _row("".join(f"{n:8d}" for n in counts)), *map(_row, rows)]


def _named(letter: str, names: list[str], values: list[float]) -> list[str]:
    """Return a block with the names of its values above them, in the same columns."""
    each, width = {"F": (5, 16), "I": (10, 8)}[letter]
    spelt = [f"{v:16.8E}" if letter == "F" else f"{int(v):8d}" for v in values]

    def rows(cells: list[str]) -> list[str]:
        return ["".join(cells[at : at + each]) for at in range(0, len(cells), each)]

    labels = rows([f"{name:<{width}}" for name in names])
    return _block(letter, [len(values), len(labels)], *labels, *rows(spelt))


def numor() -> str:
    """Return a numor as a powder diffractometer writes it, after the ILL's description."""
    names = ["H (Hmin)", "phi", "wavelength", "dmonocr", "dummy", "preset"]
    names += ["Temp-s.pt", "Temp-Regul", "Temp-sample", "Voltmeter", "Mag.field"]
    values = [0.0, 0.0, 1.594, 1.63, 0.0, 5000.0, 250.0, 249.7, 249.9, 0.0, 0.0]
    lines = [
        *_block("R", [536854, 1, 4], "ILL numor"),
        *_block(
            "A",
            [80, 1],
            "Inst User L.C. Date      Time",
            "D2B Curie SUAR26-Apr-12 12:08:20",
        ),
        *_block("A", [80, 1], "Title", f"{'Na2Ca3Al2F14 in a cryostat':<60}{'':<12}2theta"),
        *_named("I", ["nvers", "ntype", "npdone", "nbdata"], [4, 2, 25, 16384]),
        *_named("F", names, values),
        *_block("S", [1, 24, 25, 536854, 0, 1]),
        *_block(
            "I",
            [20, 0],
            "".join(f"{n:8d}" for n in range(10)),
            "".join(f"{n:8d}" for n in range(10)),
        ),
    ]
    return "\n".join(lines) + "\n"


def numor_of_lines() -> str:
    """Return a numor whose second text has lines of ``name: value``, as D20 writes them."""
    said = [
        "Title : Kinetics of C3S hydration",
        "Local Contact: HANSEN Thomas",
        "Experimentalist: CURIE Marie",
        "Proposal Number: 5-25-198",
        "Start 13-May-01 10:54:22",
        "End   13-May-01 11:54:22",
    ]
    lines = [
        *_block("R", [50750, 0, 2]),
        *_block("A", [80, 0], "D20 thomas    13-May-01 10:54:22"),
        *_block("A", [480, 0], *said),
        *_block(
            "F",
            [5, 2],
            "Optics",
            "".join(f"{n:<16}" for n in ("a", "b", "c", "Wavelength", "e")),
            "".join(f"{v:16.8E}" for v in (1, 2, 3, 2.418, 0)),
        ),
        *_block("S", [1, 0, 1, 50750, 0, 1]),
    ]
    return "\n".join(lines) + "\n"


TRIPLE_AXIS = "\n".join(
    [
        *_block("R", [12345, 1, 0], "ILL TAS"),
        *_block("A", [80, 0], "IN20curie     12-Feb-08 10:11:12"),
        "V" * 80,
        "INSTR: IN20",
        "EXPNO: 4-01-789",
        "USER_: Curie/Meitner",
        "LOCAL: Kulda",
        "FILE_: 012345",
        "DATE_: 12-Feb-08 10:11:12",
        "TITLE: MnF2, magnon at the zone boundary",
        "COMND: SC QH 1 0 0 5 DQH 0.1 0 0 0 NP 21 MN 10000",
        "POSQE: QH=  1.0000, QK=  0.0000, QL=  0.0000, EN=  5.0000, UN=MEV",
        "STEPS: DQH=  0.1000, DQK=  0.0000, DQL=  0.0000, DEN=  0.0000",
        "PARAM: DM=  3.13500, DA=  3.35500, SM=-1, SS= 1, SA=-1, KFIX=  2.66200,",
        "PARAM: FX=   2, ALF1=  60.00, ALF2=  40.00,",
        "VARIA: A1=  38.75, A2=  77.50, TT=   4.250, MAG=  3.50000,",
        "ZEROS: A1=   0.00, A2=   0.00",
        "DATA_:",
        " PNT  QH        QK        QL        EN        CNTS",
        "   1    1.0000    0.0000    0.0000    5.0000       12",
        "",
    ]
)
