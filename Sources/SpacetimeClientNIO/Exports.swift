// A program that imports this module has the client itself.
@_exported public import SpacetimeClient
