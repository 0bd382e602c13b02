import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeWASM

/// The code of the articles and comments. It is not run: there is no such file.
enum DocumentationExamplesWASM {
    static func opening() throws {
        let db = try Database.open(at: "chat.stdb", module: WASMModule(contentsOf: "chat.wasm"))
        try db.call("send", arguments: "hello".bsatn())
    }

    static func publishing() -> ModuleRuntime {
        var options = WASMOptions()
        options.limits.callDuration = .seconds(1)
        let runtime = ModuleRuntime.webAssembly(options)
        return runtime
    }
}
