"""Images for building native code: a runtime's base image with a compiler and the tools that make wheels."""
