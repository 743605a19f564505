from __future__ import annotations

import torch

from vinovits.train.losses import (
    discriminator_parts,
    duration_distance,
    feature_distances,
    generator_parts,
    kl_divergence,
)


def test_a_discriminator_that_is_right_has_no_loss() -> None:
    real, fake = discriminator_parts([torch.ones(2, 3)], [torch.zeros(2, 3)])
    assert real.tolist() == fake.tolist() == [0.0]


def test_discriminators_are_judged_part_by_part() -> None:
    real, fake = discriminator_parts(
        [torch.tensor([0.0, 1.0]), torch.tensor([3.0])],
        [torch.tensor([1.0, 1.0]), torch.tensor([0.5])],
    )
    assert real.tolist() == [0.5, 4.0]
    assert fake.tolist() == [1.0, 0.25]


def test_the_generator_wants_to_be_taken_for_real() -> None:
    assert generator_parts([torch.tensor([1.0, 1.0]), torch.tensor([0.0, 2.0])]).tolist() == [0, 1]


def test_feature_distances_push_the_generated_side_only() -> None:
    real = torch.tensor([1.0, 2.0], requires_grad=True)
    fake = torch.tensor([2.0, 4.0], requires_grad=True)
    found = feature_distances([real], [fake])
    assert found.tolist() == [1.5]
    found.sum().backward()
    assert real.grad is None
    assert fake.grad is not None
    assert fake.grad.tolist() == [0.5, 0.5]


def test_kl_of_many_samples_is_that_of_two_normals() -> None:
    torch.manual_seed(0)
    frames = 200_000
    m_q, logs_q, m_p, logs_p = 0.4, -0.2, -0.3, 0.5
    z = m_q + torch.randn(1, 1, frames) * torch.tensor(logs_q).exp()
    full = torch.full((1, 1, frames), 1.0)
    found = kl_divergence(z, full * logs_q, full * m_p, full * logs_p, full)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(m_q, torch.tensor(logs_q).exp()),
        torch.distributions.Normal(m_p, torch.tensor(logs_p).exp()),
    )
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)


def test_padding_has_no_part_in_the_kl() -> None:
    mask = torch.tensor([[[1.0, 1.0, 0.0]]])
    z = torch.tensor([[[1.0, 1.0, 50.0]]])
    zeros = torch.zeros(1, 1, 3)
    # Per frame: -1/2 + 1/2.
    assert kl_divergence(z, zeros, zeros, zeros, mask) == 0.0


def test_durations_are_divided_by_the_symbols_of_the_whole_batch() -> None:
    mask = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 0.0, 0.0]]])
    found = torch.tensor([[[1.0, 2.0, 3.0]], [[4.0, 9.0, 9.0]]])
    assert duration_distance(found, torch.zeros(2, 1, 3), mask).tolist() == [3.5, 4.0]
