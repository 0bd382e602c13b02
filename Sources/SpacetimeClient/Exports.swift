// A program that imports the client has the types that rows are made of, and those that options are given in.
@_exported public import SpacetimeProtocol
@_exported public import SpacetimeSATS
