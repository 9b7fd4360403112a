"""Trains the two appearance networks on what `models.training.material` made.

    python -m models.training.networks MATERIAL.npz [--only eye|mouth] [--epochs N]

Each network sees one patch by itself. What a picture of one face cannot tell (how wide this eye
is when open, where this corner rests) must not be guessed: the loss compares the takes of one side
of one person with each other, and asks almost nothing of their common level. Needs PyTorch, which
nothing else here does.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

_LEVEL_WEIGHT = 0.05
"""Weight of the common level of a person's takes, against 1 for their differences."""

_TOGETHER = 8
"""Takes of one side of one person in a batch."""

_COVERED = 0.15
"""Share of the patches that get something drawn in front of them while training."""

_CLEAR, _HIDDEN = 0.15, 0.6
"""Covered less than the first: fully visible. More than the second: hidden."""

_VISIBLE_WEIGHT = 0.03

_GREY = 0.15
"""Share of the batches that are shown without colour."""

HERE = Path(__file__).resolve().parents[1]


class Net(nn.Module):
    """Three halvings and one hidden layer."""

    def __init__(self, height: int, width: int, outputs: int, channels: int = 3) -> None:
        super().__init__()
        flat = 48 * (height // 8) * (width // 8)
        self.body = nn.Sequential(
            nn.Conv2d(channels, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(flat, 64),
            nn.ReLU(),
            nn.Linear(64, outputs),
        )

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.body(patches)


def normalised(x: torch.Tensor) -> torch.Tensor:
    """``(n, 3, h, w)`` grey levels -> mean 0 and deviation 1 over each patch.

    `hfs_vision.landmarks.patch_networks` does the same in use.
    """
    x = x - x.mean(dim=(1, 2, 3), keepdim=True)
    return x / (x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 4.0)


def eye_targets(data) -> tuple[np.ndarray, np.ndarray]:
    """Aperture in units of 0.1 interocular, and the weight of its error: that of closure."""
    opened = data["open"]
    aperture = (1.0 - data["closure"]) * opened
    return (aperture / 0.1)[..., None], 0.1 / opened


def mouth_targets(data) -> tuple[np.ndarray, np.ndarray]:
    """Place of the corner from the patch's centre in pixels: towards the midline, and down."""
    target = data["corner"]
    return target, np.full(target.shape[:2], 0.25)


class Takes:
    """Patches of one kind in groups: a side of a person."""

    def __init__(self, patches, target, weight, centre, person, level) -> None:
        n = len(person)
        self.patches = torch.from_numpy(patches.reshape(2 * n, *patches.shape[2:]))
        self.target = torch.from_numpy(target.reshape(2 * n, -1)).float()
        self.weight = torch.from_numpy(weight.reshape(2 * n)).float()
        # A corner's place is the centre plus what the network says: compared as a whole.
        self.centre = torch.from_numpy(centre.reshape(2 * n, -1)).float()
        keys = np.repeat(person, 2) * 2 + np.tile([0, 1], n)
        self.groups = [np.flatnonzero(keys == key) for key in np.unique(keys)]
        self.level = level

    def batches(self, rng, sides: int):
        stacks = []
        for rows in self.groups:
            rows = rng.permutation(rows)
            whole = len(rows) // _TOGETHER * _TOGETHER
            stacks += list(rows[:whole].reshape(-1, _TOGETHER))
        order = rng.permutation(len(stacks))
        for k in range(0, len(order) - sides + 1, sides):
            yield np.concatenate([stacks[row] for row in order[k : k + sides]])


def shifted(patches, target, rng, most: int, moves: bool):
    """Every patch moved by whole pixels (its edge repeated); targets that are places move too."""
    if not most:
        return patches, target
    n, _, h, w = patches.shape
    padded = nn.functional.pad(patches, (most,) * 4, mode="replicate")
    by = rng.integers(0, 2 * most + 1, (n, 2))
    cut = torch.stack([padded[k, :, y : y + h, x : x + w] for k, (x, y) in enumerate(by.tolist())])
    if moves:
        target = target + torch.from_numpy(most - by).float()
    return cut, target


def covered(x, skin, rng):
    """Some patches with something in front: a hand, hair, a thing.

    Args:
        x: ``(n, 3, h, w)`` grey levels.
        skin: ``(m, 3, 16, 16)`` grey levels, of cheeks.
        rng: Draws.

    Returns:
        The patches and the share ``(n,)`` of each one's middle that is covered.
    """
    n, _, h, w = x.shape
    x, share = x.clone(), torch.zeros(n)
    y0, x0 = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    middle = ((y0 / 0.5) ** 2 + (x0 / 0.7) ** 2 < 1).float()
    for k in np.flatnonzero(rng.random(n) < _COVERED):
        kind, angle = rng.random(), rng.uniform(0, 2 * np.pi)
        if kind < 0.6:
            texture = skin[int(rng.integers(len(skin)))]
        elif kind < 0.8:
            texture = x[int(rng.integers(n))]
        else:
            texture = torch.full((3, 8, 8), float(rng.uniform(5, 250)))
            texture = texture + torch.randn(3, 8, 8) * float(rng.uniform(0, 20))
        crop = int(rng.integers(4, texture.shape[-2] + 1))
        texture = nn.functional.interpolate(
            texture[None, :, :crop, :crop], size=(h, w), mode="bilinear"
        )[0]
        if rng.random() < 0.6:  # in the same light as the face
            texture = texture + (x[k].mean() - texture.mean()) * float(rng.uniform(0.5, 1.0))
        texture = texture * torch.from_numpy(np.exp(rng.normal(0, 0.08, (3, 1, 1)))).float()
        place = np.cos(angle) * x0 + np.sin(angle) * y0 + float(rng.uniform(-1.3, 1.0))
        mask = torch.sigmoid(place * float(rng.uniform(10, 40)))
        x[k] = x[k] + mask * (texture - x[k])
        share[k] = (mask * middle).sum() / middle.sum()
    return x, share


def loss_of(out, target, weight, share):
    """Errors between takes, and whether the patch shows what it should; see the module."""
    seen = (share < _CLEAR).float().reshape(-1, _TOGETHER, 1)
    error = (out[:, :-1] - target) * weight[:, None]
    error = error.reshape(-1, _TOGETHER, error.shape[-1]) * seen
    level = error.sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True).clamp(min=1)
    apart = nn.functional.smooth_l1_loss(
        (error - level) * seen, torch.zeros_like(error), beta=0.1, reduction="sum"
    ) / (seen.sum().clamp(min=1) * error.shape[-1])
    sure = (share < _CLEAR) | (share > _HIDDEN)
    visible = nn.functional.binary_cross_entropy_with_logits(
        out[:, -1][sure], (share < _CLEAR).float()[sure]
    )
    return apart + _LEVEL_WEIGHT * level.square().mean() + _VISIBLE_WEIGHT * visible


def planes(patches: torch.Tensor) -> torch.Tensor:
    """``(n, h, w, 3)`` uint8 -> ``(n, 3, h, w)`` float grey levels."""
    return patches.permute(0, 3, 1, 2).float()


def train(net, takes: Takes, skin, *, epochs: int, most: int, moves: bool, seed: int):
    rate, rng = 2e-3, np.random.default_rng(seed)
    per = sum(len(rows) // _TOGETHER for rows in takes.groups) // 16
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=per * epochs + 1)
    for epoch in range(epochs):
        started, total, count = time.monotonic(), 0.0, 0
        for rows in takes.batches(rng, 16):
            x, y = planes(takes.patches[rows]), takes.target[rows]
            x, y = shifted(x, y, rng, most, moves)
            x, share = covered(x, skin, rng)
            if rng.random() < _GREY:
                x = x.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
            x = normalised(x) * torch.from_numpy(rng.uniform(0.85, 1.15, (len(x), 1, 1, 1))).float()
            loss = loss_of(net(x), y, takes.weight[rows], share)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
            total, count = total + loss.item(), count + 1
        print(f"epoch {epoch}: {total / count:.5f}  {time.monotonic() - started:.0f} s", flush=True)


@torch.no_grad()
def predict(net, patches: torch.Tensor) -> np.ndarray:
    net.eval()
    out = [net(normalised(planes(part))).numpy() for part in patches.split(1024)]
    net.train()
    return np.concatenate(out)


def export(net, height: int, width: int, path: Path) -> None:
    """ONNX as OpenCV 4.11 reads it: opset 12, by the TorchScript exporter."""
    net.eval()
    torch.onnx.export(
        net,
        (torch.zeros(2, 3, height, width),),
        str(path),
        opset_version=12,
        dynamo=False,
        input_names=["patches"],
        output_names=["read"],
        dynamic_axes={"patches": {0: "n"}, "read": {0: "n"}},
    )


def report(name: str, takes: Takes, out: np.ndarray, mesh: np.ndarray | None) -> None:
    """Errors on people not trained on, each side of a person against its own level."""
    target, weight = takes.target.numpy(), takes.weight.numpy()[:, None]
    for label, values in (("network", out), ("mesh", mesh)):
        if values is None:
            continue
        errors = []
        for rows in takes.groups:
            error = (values[rows] - target[rows]) * weight[rows]
            error = error - np.median(error, axis=0)
            errors.append(error)
        every = np.concatenate(errors)
        print(
            f"{name} {label}: mean error {np.abs(every).mean():.4f}, "
            f"90 % {np.percentile(np.abs(every), 90):.4f}, rms {np.sqrt((every**2).mean()):.4f}"
        )


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("material", type=Path)
    made.add_argument("--only", choices=("eye", "mouth"))
    made.add_argument("--epochs", type=int, default=12)
    made.add_argument("--out", type=Path, default=HERE)
    made.add_argument("--seed", type=int, default=0)
    given = made.parse_args()
    torch.manual_seed(given.seed)
    stored = np.load(given.material, allow_pickle=False)
    data = {name: stored[name] for name in stored.files}
    for name in ("eye", "mouth"):
        if given.only in (None, name):
            _one(name, data, given)


def _one(name: str, data, given) -> None:
    eye = name == "eye"
    patches = data["eyes" if eye else "mouths"]
    target, weight = (eye_targets if eye else mouth_targets)(data)
    centre = data["mesh_aperture"][..., None] if eye else data["corner"]

    def some(split: str) -> Takes:
        rows = data["split"] == split
        return Takes(
            patches[rows], target[rows], weight[rows], centre[rows], data["person"][rows], 0
        )

    net = Net(*patches.shape[2:4], outputs=target.shape[-1] + 1)
    print(name, sum(p.numel() for p in net.parameters()), "weights")
    rows = np.flatnonzero(data["split"] == "train")[::4]
    skin = planes(torch.from_numpy(data["mouths"][rows, 0, 4:20, 2:18].copy()))
    train(
        net,
        some("train"),
        skin,
        epochs=given.epochs,
        most=2 if eye else 6,
        moves=not eye,
        seed=given.seed,
    )
    tune = some("tune")
    mesh = takes_mesh(tune, eye)
    report(name, tune, predict(net, tune.patches)[:, :-1], mesh)
    file = {"eye": "eye_closure.onnx", "mouth": "mouth_corner.onnx"}[name]
    torch.save(net.state_dict(), given.out / file.replace("onnx", "pt"))
    export(net, *patches.shape[2:4], given.out / file)


def takes_mesh(takes: Takes, eye: bool) -> np.ndarray:
    """What the landmarks alone say, in the network's units."""
    if eye:
        return takes.centre.numpy() / 0.1
    return np.zeros_like(takes.target.numpy())


if __name__ == "__main__":
    main()
