# SPDX-License-Identifier: Apache-2.0
"""What shape has the facts document of each layer?

One module a layer; each defines the structs of the layer's facts document, whose top struct is
called `Facts`. JSON Schemas for the policies are generated from them.
"""
