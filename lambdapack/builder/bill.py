"""The bill of materials of an artifact, in CycloneDX: every distribution, its hash, licence and what it requires.

The same build writes the same bytes: the time is that of the entries, the serial number comes from the artifact.
Knows the wheels that were packed; what a wheel has vendored inside is not looked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from lambdapack import __version__
from lambdapack.builder.archive import entry_date
from lambdapack.builder.installed import InstalledWheel
from lambdapack.builder.plan import BILL_SUFFIX, BuildPlan, ResolvedWheel
from lambdapack.errors import MissingRequirement
from lambdapack.facts.distributions import marker_environment

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

_LONGEST_LICENCE = 200  # characters; some distributions put the whole text into the field


@dataclass(frozen=True, slots=True)
class Material:
    """One packed distribution and its METADATA."""

    wheel: ResolvedWheel
    metadata: RawMetadata


def bill_of(output: Path) -> Path:
    """Returns where the bill of an artifact stands: `dist/api.zip` has `dist/api.cdx.json`."""
    return output.with_name(output.stem + BILL_SUFFIX)


def check_library() -> None:
    """Raises `MissingRequirement` where the library that writes bills is not installed."""
    try:
        import cyclonedx  # noqa: F401
    except ImportError:
        raise MissingRequirement(
            "--sbom needs cyclonedx-python-lib, which is not installed", hint="pip install 'lambdapack[sbom]'"
        ) from None


def material_of(wheel: ResolvedWheel, installed: InstalledWheel) -> Material:
    """Reads the METADATA of a packed wheel."""
    for piece in installed.pieces:
        if piece.path.count("/") == 1 and piece.path.endswith(".dist-info/METADATA"):
            with piece.open() as stream:
                return Material(wheel, parse_email(stream.read())[0])
    return Material(wheel, {})


def bill_text(plan: BuildPlan, materials: Sequence[Material], sha256: str) -> str:
    """Returns the bill of an artifact whose file has this SHA-256 (hex) as CycloneDX 1.6 in JSON."""
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    function = Component(
        name=plan.function,
        type=ComponentType.APPLICATION,
        bom_ref=plan.function,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    tool = Component(name="lambdapack", version=__version__, type=ComponentType.APPLICATION)
    bom = Bom(
        metadata=BomMetaData(component=function, tools=[], timestamp=datetime(*entry_date(), tzinfo=UTC)),
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, sha256),
    )
    bom.metadata.tools.components.add(tool)
    components = {material.wheel.name: _component(material) for material in materials}
    for component in components.values():
        bom.components.add(component)
    environment = marker_environment(plan.python, plan.machine)
    required = _required(materials, environment)
    for name, names in required.items():
        bom.register_dependency(components[name], [components[other] for other in names if other in components])
    needed = {name for names in required.values() for name in names}
    # What nothing requires is what the project asked for.
    bom.register_dependency(function, [components[name] for name in components if name not in needed])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(material: Material) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    wheel = material.wheel
    purl = PackageURL("pypi", name=wheel.name, version=wheel.version, qualifiers={"file_name": wheel.filename})
    return Component(
        name=wheel.name,
        version=wheel.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        description=material.metadata.get("summary"),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel.sha256)],
        licenses=_licences(material.metadata),
    )


def _licences(metadata: RawMetadata) -> list[License]:
    """The expression of PEP 639, or else the old field, where it holds a name and not a text."""
    from cyclonedx.factory.license import LicenseFactory

    text = metadata.get("license_expression") or metadata.get("license") or ""
    if not text.strip() or "\n" in text.strip() or len(text) > _LONGEST_LICENCE:
        return []
    return [LicenseFactory().make_from_string(text.strip())]


def _required(materials: Sequence[Material], environment: Mapping[str, str]) -> dict[str, list[str]]:
    """What each distribution requires on the target, by normalised names; extras are those that others ask for."""
    extras: dict[str, set[str]] = {material.wheel.name: {""} for material in materials}
    while True:
        found: dict[str, list[str]] = {}
        asked = {name: set(known) for name, known in extras.items()}
        for material in materials:
            needs = list(_requirements(material.metadata, environment, extras[material.wheel.name]))
            found[material.wheel.name] = sorted({canonicalize_name(need.name) for need in needs})
            for need in needs:
                asked.setdefault(canonicalize_name(need.name), {""}).update(need.extras)
        if asked == extras:
            return found
        extras = asked


def _requirements(
    metadata: RawMetadata, environment: Mapping[str, str], extras: Collection[str]
) -> Iterator[Requirement]:
    for line in metadata.get("requires_dist", ()):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras):
            yield requirement
