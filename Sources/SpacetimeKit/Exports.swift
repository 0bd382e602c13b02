// Users import this module alone: rows need the codec's types, and errors and clocks are declared beside the code that
// uses them.
@_exported public import SpacetimeDurability
@_exported public import SpacetimeHost
@_exported public import SpacetimeSATS
