"""The whole generator, cut into the stages that become graphs."""

from __future__ import annotations

from torch import Tensor, nn

from vinovits.nets.conditioning import build_text_encoder
from vinovits.nets.config import ModelConfig
from vinovits.nets.decoder import Decoder
from vinovits.nets.durations import DurationPredictor, StochasticDurationPredictor
from vinovits.nets.flow import Flow
from vinovits.nets.posterior import PosteriorEncoder
from vinovits.nets.reference import ReferenceEncoder
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import Variant


class Synthesizer(nn.Module):
    """Holds the parts under the names that the released checkpoints use."""

    def __init__(self, config: ModelConfig, variant: Variant, posterior: bool = True) -> None:
        """Build the network with random weights.

        Args:
            config: Its sizes.
            variant: Its family.
            posterior: With the posterior encoder; released checkpoints often leave it out.
        """
        super().__init__()
        self.config, self.variant = config, variant
        self.enc_p = build_text_encoder(config, variant)
        self.sdp = StochasticDurationPredictor(config)
        self.dp = DurationPredictor(config, variant)
        self.flow = Flow(config, variant)
        self.dec = Decoder(config)
        if posterior:
            self.enc_q = PosteriorEncoder(config)
        if config.n_speakers > 0:
            self.emb_g = nn.Embedding(config.n_speakers, config.gin_channels)
        else:
            self.ref_enc = ReferenceEncoder(config)

    def encode(
        self, text: TextInputs, mask: Tensor, g: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The stage `encode`: prior and log durations of every phone.

        Args:
            text: What is said.
            mask: (B, 1, T).
            g: Speaker vector (B, gin, 1).
            noise: Normal draw times noise_w (B, 2, T).

        Returns:
            m_p and logs_p (B, inter, T); log frames by the stochastic and by the deterministic
            predictor (B, 1, T).
        """
        x, m_p, logs_p = self.enc_p(text, mask, g)
        return m_p, logs_p, self.sdp(x, mask, g, noise), self.dp(x, mask, g)
