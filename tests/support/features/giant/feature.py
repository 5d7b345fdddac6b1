"""The probe's declaration, with a need for memory that no machine can meet."""

from dataclasses import replace

from serving.feature import Resources
from tests.support.features.probe.feature import feature as probe

feature = replace(probe, module=__name__, feature_id="Giant", resources=Resources(memory_mb=10**9))
