"""The probe's declaration, with other names."""

from dataclasses import replace

from tests.support.features.probe.feature import feature as probe

feature = replace(probe, module=__name__, feature_id="Echo", title="Echo", aliases=("reverberation",))
