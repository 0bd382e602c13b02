import SpacetimeHost

/// What a compiled module imports and exports, once that has been found to be what the host can run.
struct ModuleShape: Sendable {
    /// The functions of the host that it uses.
    let imports: [HostFunction]
    /// Its initializers, in the order in which they run.
    let initializers: [String]
    /// Which of the exports that may be missing it has.
    let hasInitialize: Bool
    let hasSetup: Bool
    let functions: Set<String>

    static let describe = "__describe_module__"
    static let reducer = "__call_reducer__"
    static let procedure = "__call_procedure__"
    static let view = "__call_view__"
    static let anonymousView = "__call_view_anon__"
    static let handler = "__call_http_handler__"
    static let setup = "__setup__"
    static let initialize = "_initialize"
    private static let initializerPrefix = "__preinit__"

    /// Types of the exports that mean something.
    private static let types = [
        describe: "i>", reducer: "iIIIIIIIii>i", procedure: "iIIIIIIIii>i", view: "iIIIIii>i",
        anonymousView: "iii>i", handler: "iIiiii>i", setup: "i>i",
    ]

    /// - Throws: `invalidModule`, which names what is wrong.
    init(_ module: WasmtimeModule, allowsWASI: Bool) throws(DatabaseError) {
        imports = try Self.imports(module, allowsWASI: allowsWASI)
        let exports = Exports(module)
        guard exports["memory"]?.kind == .memory else { throw Self.invalid("it exports no memory named 'memory'") }
        for (name, type) in Self.types {
            guard let export = exports[name] else { continue }
            guard export.signature == type else {
                throw Self.invalid("its export '\(name)' is no function of its type")
            }
        }
        for name in [Self.describe, Self.reducer] where exports[name] == nil {
            throw Self.invalid("it does not export '\(name)': it is no module of a database")
        }
        initializers = exports.names(from: Self.initializerPrefix)
        for name in initializers where exports[name]?.signature != ">" {
            throw Self.invalid("its export '\(name)' is no function without parameters and results")
        }
        hasInitialize = exports[Self.initialize]?.signature == ">"
        hasSetup = exports[Self.setup] != nil
        functions = Set(Self.types.keys.filter { exports[$0] != nil })
    }

    private static func invalid(_ reason: String) -> DatabaseError {
        DatabaseError(.invalidModule, "the module in WebAssembly cannot be run: \(reason.cut(toByteCount: 2_000))")
    }

    // MARK: Imports

    private static func imports(
        _ module: WasmtimeModule, allowsWASI: Bool
    ) throws(DatabaseError) -> [HostFunction] {
        var found: [HostFunction] = []
        var isOfDatabase = false
        for port in module.imports {
            let (module, name) = (port.module, port.name)
            if module.hasPrefix("spacetime_") {
                try requireVersion(module)
                isOfDatabase = true
            }
            guard let function = HostFunctions.find(module, name), allowsWASI || module != WASIFunctions.module else {
                throw invalid(
                    "it imports '\(name)' of '\(module)', which the host does not have"
                        + (module == WASIFunctions.module && !allowsWASI ? "; \(Self.hint)" : ""))
            }
            guard port.kind == .function, port.signature == function.signature else {
                throw invalid("it imports '\(name)' of '\(module)' as something else than it is")
            }
            if !found.contains(where: { $0.module == module && $0.name == name }) { found.append(function) }
        }
        guard isOfDatabase else {
            throw invalid("it imports nothing of 'spacetime_10.0' to 'spacetime_10.5': it is no module of a database")
        }
        return found
    }

    private static let hint = "set WASMOptions.allowsWASI to have WASI answered"

    /// - Throws: if a name of the form `spacetime_10.5` is none, or asks for a version that is not implemented.
    private static func requireVersion(_ module: String) throws(DatabaseError) {
        let parts = module.dropFirst("spacetime_".count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = number(parts[0]), let minor = number(parts[1]) else {
            throw invalid("it imports of '\(module)', which is no version: they are named as 'spacetime_10.0'")
        }
        guard major == HostFunctions.version.major, minor <= HostFunctions.version.minor else {
            throw invalid(
                "it needs version \(major).\(minor) of the host's functions, and this host has "
                    + "\(HostFunctions.version.major).\(HostFunctions.version.minor)")
        }
    }

    private static func number(_ text: Substring) -> Int? {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    // MARK: Exports

    /// What a module exports, by name. Names are compared byte by byte, where texts of Swift's would be equal also if they
    /// only look the same.
    private struct Exports {
        private var byName: [[UInt8]: WasmtimeModule.Port] = [:]

        init(_ module: WasmtimeModule) {
            for port in module.exports { byName[Array(port.name.utf8)] = port }
        }

        subscript(name: String) -> WasmtimeModule.Port? { byName[Array(name.utf8)] }

        /// The names that begin so, in order.
        func names(from prefix: String) -> [String] {
            byName.keys.filter { $0.starts(with: prefix.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
