"""Writes ONNX's own backend node tests as folders, and the smallest of them as one archive.

    python node_tests.py FOLDER [ARCHIVE.zip COUNT]

Each folder holds model.onnx, test_data_set_*/input_*.pb and output_*.pb, and data.json with rtol and atol where they are not
1e-3 and 1e-7. Made with onnx 1.23.1. The archive holds the COUNT smallest of those whose operators differ most.
"""
import json
import sys
import warnings
import zipfile
from collections import Counter
from pathlib import Path

from onnx import TensorProto, numpy_helper

warnings.filterwarnings("ignore")


def proto(value, info):
    kind = info.type.WhichOneof("value")
    if isinstance(value, TensorProto):
        return value
    make = {"map_type": numpy_helper.from_dict, "sequence_type": numpy_helper.from_list, "optional_type": numpy_helper.from_optional}
    return make.get(kind, numpy_helper.from_array)(value, info.name)


def write(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    if (case.rtol, case.atol) != (1e-3, 1e-7):
        (folder / "data.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}))
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{i}"
        data.mkdir(exist_ok=True)
        for kind, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for j, value in enumerate(values):
                (data / f"{kind}_{j}.pb").write_bytes(proto(value, infos[j]).SerializeToString())


def archive(root, cases, target, count):
    """Smallest first, and no operator more than eight times, so that all of them are there."""
    def size(name):
        return sum(f.stat().st_size for f in (root / name).rglob("*") if f.is_file())
    seen, chosen = Counter(), []
    for case in sorted(cases, key=lambda c: (size(c.name), c.name)):
        ops = {n.op_type for n in case.model.graph.node}
        if len(chosen) < count and size(case.name) < 20_000 and (len(ops) == 1 or "expanded" in case.name) and min(seen[o] for o in ops) < 4:
            seen.update(ops)
            chosen.append(case.name)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name in sorted(chosen):
            for f in sorted((root / name).rglob("*")):
                if f.is_file():
                    out.writestr(zipfile.ZipInfo(str(f.relative_to(root))), f.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    print(len(chosen), "cases,", Path(target).stat().st_size, "bytes")


def main():
    from onnx.backend.test.case.node import collect_testcases
    root, cases = Path(sys.argv[1]), collect_testcases(None)
    failed = 0
    for case in cases:
        try:
            write(case, root / case.name)
        except Exception as e:  # a case that onnx itself cannot write
            failed += 1
            print(case.name, repr(e)[:200])
    print(len(cases) - failed, "of", len(cases), "cases written")
    if len(sys.argv) > 3:
        archive(root, cases, sys.argv[2], int(sys.argv[3]))


if __name__ == "__main__":
    main()
