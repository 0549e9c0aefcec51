"""Times PyTorch and MONAI on the cases of benches/cases.json, and lossc beside them.

    python benches/peers/peers.py --case slices            # what Python has, alone, as JSON
    python benches/peers/peers.py --turns --rounds 5       # peers and lossc in turns, and the table

What is timed is the value and the gradient by the logits, on two threads. `eager` is PyTorch as it is
written below, `compiled` the same function through torch.compile, `monai` the loss classes of MONAI where
they have the loss. With `--turns` the benchmark `turns` is built and told what to time, one after the
other: A B C A B C …, so that a machine that is slow for a while is slow for all. Of each, the least time
of all rounds counts. The values of lossc and PyTorch must agree.

Each case runs in processes of its own, so that large tensors are new memory in all of them. With
MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ set to several gigabytes, glibc keeps memory in all of them.

Needs numpy and torch; MONAI is left out where it is missing.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2
TURN = 0.3
LOSSC = ["fused", "into", "candle", "plain", "copy", "fresh"]
PEERS = ["eager", "compiled", "monai"]

# Before the libraries that read them.
for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[name] = str(THREADS)

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402


def tensor(spec, number):
    """The numbers that benches/cases/mod.rs makes."""
    count = int(np.prod(spec["shape"]))
    i = np.arange(count, dtype=np.uint64) + np.uint64(number * 1_000_003)
    bits = (i.astype(np.uint32) * np.uint32(2_654_435_761)).astype(np.uint32)
    if spec["holds"] == "floats":
        x = (bits.astype(np.float64) / 2.0**32 * 6.0 - 3.0).astype(np.float32)
    elif spec["holds"] == "mask":
        x = ((bits >> np.uint32(8)) % 2).astype(np.float32)
    else:
        x = ((bits >> np.uint32(8)) % spec["classes"]).astype(np.int64)
    return torch.from_numpy(x.reshape(spec["shape"]))


def dice(p, t, smooth=1e-5):
    space = tuple(range(2, p.dim()))
    overlap = (p * t).sum(space)
    mass = p.sum(space) + t.sum(space)
    return 1 - ((2 * overlap + smooth) / (mass + smooth)).mean()


def one_hot(y, classes):
    return F.one_hot(y, classes).movedim(-1, 1).float()


def dice_wce(z, y, smooth, weights):
    region = dice(z.softmax(1), one_hot(y, z.shape[1]), smooth)
    return 0.5 * region + 0.5 * F.cross_entropy(z, y, weight=torch.tensor(weights))


def dice_ce(z, y):
    return dice(z.softmax(1), one_hot(y, z.shape[1])) + F.cross_entropy(z, y)


def street(z, y):
    nll = F.cross_entropy(z, y, reduction="none")
    focal = ((1 - (-nll).exp()) ** 2 * nll).mean()
    return dice(z.softmax(1), one_hot(y, z.shape[1])) + nll.mean() + focal


def binary(z, t):
    p = z.sigmoid()
    bce = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    wrong = t + p - 2 * t * p
    return bce.mean() + dice(p[:, None], t[:, None]) + (wrong**2 * bce).mean()


def contrast(query, key, y):
    return F.cross_entropy(query @ key.T / 0.07, y)


def ssim(p, t):
    i = torch.arange(-5, 6, dtype=torch.float32)
    w = torch.exp(-(i**2) / (2 * 1.5**2))
    w = w / w.sum()
    down, along = w.view(1, 1, 11, 1), w.view(1, 1, 1, 11)

    def blur(x):
        return F.conv2d(F.conv2d(x[:, None], down), along)

    mp, mt = blur(p), blur(t)
    vp, vt, both = blur(p * p) - mp * mp, blur(t * t) - mt * mt, blur(p * t) - mp * mt
    score = (2 * mp * mt + 1e-4) * (2 * both + 9e-4) / ((mp * mp + mt * mt + 1e-4) * (vp + vt + 9e-4))
    return 1 - score.mean()


def lovasz(z, y):
    """Berman's code, the classes as rows."""
    p = z.softmax(1).transpose(0, 1).flatten(1)
    t = one_hot(y, z.shape[1]).transpose(0, 1).flatten(1)
    errors, order = (t - p).abs().sort(1, descending=True)
    t = t.gather(1, order)
    total = t.sum(1, keepdim=True)
    jaccard = 1 - (total - t.cumsum(1)) / (total + (1 - t).cumsum(1))
    grad = torch.cat([jaccard[:, :1], jaccard[:, 1:] - jaccard[:, :-1]], 1)
    return (errors * grad).sum(1).mean()


EAGER = {
    "small": lambda z, y: dice_wce(z, y, 1e-6, [0.2, 0.8]),
    "slices": lambda z, y: dice_wce(z, y, 1e-5, [0.1, 0.2, 0.3, 0.4]),
    "volumes": dice_ce,
    "street": street,
    "scenes": F.cross_entropy,
    "vocabulary": F.cross_entropy,
    "digits": F.cross_entropy,
    "binary": binary,
    "contrast": contrast,
    "residuals": F.huber_loss,
    "images": lambda p, t: ssim(p, t) + F.l1_loss(p, t),
    "order": lovasz,
}


def monai_losses():
    """The losses of MONAI, which have options of their own: close to the case, not equal to it."""
    from monai.losses import DiceCELoss, DiceLoss, FocalLoss

    def labelled(loss):
        return lambda z, y: loss(z, y[:, None])

    def weights(w):
        both = DiceCELoss(to_onehot_y=True, softmax=True, weight=torch.tensor(w), lambda_dice=0.5, lambda_ce=0.5)
        return labelled(both)

    dice_ce = DiceCELoss(to_onehot_y=True, softmax=True)
    focal = FocalLoss(to_onehot_y=True, use_softmax=True, gamma=2.0)
    flat_dice, flat_focal = DiceLoss(sigmoid=True), FocalLoss(gamma=2.0)

    def three(z, t):
        z, t = z[:, None], t[:, None]
        return F.binary_cross_entropy_with_logits(z, t) + flat_dice(z, t) + flat_focal(z, t)

    return {
        "small": weights([0.2, 0.8]),
        "slices": weights([0.1, 0.2, 0.3, 0.4]),
        "volumes": labelled(dice_ce),
        "street": lambda z, y: dice_ce(z, y[:, None]) + focal(z, y[:, None]),
        "binary": three,
    }


class Peer:
    """A loss of a peer over the tensors of a case."""

    def __init__(self, loss, case):
        self.loss = loss
        self.tensors = [tensor(spec, n) for n, spec in enumerate(case["inputs"])]
        self.tracked = []
        for spec, t in zip(case["inputs"], self.tensors):
            if spec["name"] in case["gradients"]:
                self.tracked.append(t.requires_grad_())

    def run(self):
        for t in self.tracked:
            t.grad = None
        loss = self.loss(*self.tensors)
        loss.backward()
        return loss

    def turn(self):
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < TURN:
            start = time.perf_counter()
            loss = self.run()
            times.append((time.perf_counter() - start) * 1e3)
        value = float(loss.detach())
        times.sort()
        return {"least": times[0], "median": times[len(times) // 2], "value": value}


def peers(case, wanted):
    found = {}
    for way in wanted:
        if way == "eager":
            found[way] = Peer(EAGER[case["name"]], case)
        elif way == "compiled":
            torch._dynamo.reset()
            found[way] = Peer(torch.compile(EAGER[case["name"]]), case)
        else:
            try:
                loss = monai_losses().get(case["name"])
            except ImportError:
                loss = None
            if loss is not None:
                found[way] = Peer(loss, case)
    for peer in found.values():
        # Compiles, and warms up.
        peer.run()
        peer.run()
    return found


class Lossc:
    """The benchmark `turns`, running for one case and way: what another has freed is not there to be used again."""

    def __init__(self, program, case, way):
        self.what = f"{case['name']} {way}"
        self.process = subprocess.Popen(
            [program, "--turns"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def turn(self):
        self.process.stdin.write(f"{self.what}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"lossc stopped at {self.what}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def build():
    """The path of the benchmark."""
    command = ["cargo", "bench", "--bench", "turns", "--no-run", "--message-format", "json"]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True).stdout
    messages = [json.loads(line) for line in out.splitlines()]
    paths = [m["executable"] for m in messages if m.get("target", {}).get("name") == "turns" and m.get("executable")]
    return paths[-1]


def measure(case, ways, rounds, program):
    """The least and the median time of every way, over all rounds."""
    found = peers(case, [w for w in ways if w in PEERS])
    lossc = {way: Lossc(program, case, way) for way in ways if way in LOSSC}
    turns = {way: [] for way in ways if way in found or way in lossc}
    for _ in range(rounds):
        for way, times in turns.items():
            times.append((found.get(way) or lossc[way]).turn())
    for process in lossc.values():
        process.close()
    values = {way: times[0]["value"] for way, times in turns.items() if way not in ["copy", "fresh", "monai"]}
    first = next(iter(values.values()), 0.0)
    for way, value in values.items():
        # NaN, which is null in JSON, agrees with nothing.
        if value is None or not abs(value - first) <= 1e-3 * abs(first):
            sys.exit(f"{case['name']}: not one loss but several: {values}")
    return {
        way: {
            "least": min(t["least"] for t in times),
            "median": sorted(t["median"] for t in times)[len(times) // 2],
        }
        for way, times in turns.items()
    }


def alone(case, ways, rounds, program):
    """The same in a process of its own: memory that other cases have freed would be used again."""
    command = [sys.executable, __file__, "--json", "--case", case["name"], "--ways", ",".join(ways)]
    command += ["--rounds", str(rounds)]
    if program:
        command += ["--turns", "--program", program]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(out)["ms"]


def ms(x):
    return f"{x:.3f}" if x < 1 else f"{x:.1f}" if x < 100 else f"{x:.0f}"


def table(results):
    """Milliseconds of the fused back end, with gradients in new memory and in that of former ones, and how many times as
    long the others take. A copy into old memory is held against old memory, one into new memory against new."""
    others = ["compiled", "eager", "monai", "plain", "candle"]
    lines = [
        "| case | fused, ms | into former gradients, ms | torch.compile | eager | MONAI | Candle by hand | `candle`"
        " | of a copy, former | of a copy, new |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for what, times in results:
        least = {way: of["least"] for way, of in times.items()}
        fused, into = least["fused"], least.get("into")
        both = [fused] + ([into] if into else [])
        ratio = lambda w: " / ".join(f"{least[w] / own:.1f}×" for own in both) if w in least else "–"
        cells = [ratio(w) for w in others]
        cells.append(f"{into / least['copy']:.1f}×" if into and "copy" in least else "–")
        cells.append(f"{fused / least['fresh']:.1f}×" if "fresh" in least else "–")
        lines.append(f"| {what} | {ms(fused)} | {ms(into) if into else '–'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = json.loads((ROOT / "benches/cases.json").read_text())
    names = [case["name"] for case in cases]
    parser.add_argument("--case", action="append", choices=names, help="only this case; may be repeated")
    parser.add_argument("--ways", help=f"comma-separated, of {', '.join(LOSSC + PEERS)}; all by default")
    parser.add_argument("--turns", action="store_true", help="lossc too, in turns with the peers")
    parser.add_argument("--program", help="the benchmark `turns`, if it is built already")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="no table")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    known = LOSSC + PEERS if args.turns else PEERS
    ways = args.ways.split(",") if args.ways else known
    if unknown := [way for way in ways if way not in known]:
        parser.error(f"no such way: {', '.join(unknown)}")
    program = (args.program or build()) if args.turns else None
    cases = [case for case in cases if not args.case or case["name"] in args.case]
    results = []
    for case in cases:
        if len(cases) == 1:
            times = measure(case, ways, args.rounds, program)
        else:
            times = alone(case, ways, args.rounds, program)
        print(json.dumps({"case": case["name"], "ms": times}), flush=True)
        results.append((case["what"], times))
    if "fused" in ways and not args.json:
        print(table(results))


if __name__ == "__main__":
    main()
