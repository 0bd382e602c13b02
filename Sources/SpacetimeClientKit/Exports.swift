// A program that imports this module has the client and the kit that its modules are written with.
@_exported public import SpacetimeClient
@_exported public import SpacetimeKit
