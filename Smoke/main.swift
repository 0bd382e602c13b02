import SpacetimeServer
import SpacetimeKit
import Logging
let dir = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : nil
let db = if let dir { try Database.open(at: dir, module: Arena.self) } else { try Database.open(.inMemory, module: Arena.self) }
try await db.serve(as: "arena", options: ServerOptions(port: 3111))
