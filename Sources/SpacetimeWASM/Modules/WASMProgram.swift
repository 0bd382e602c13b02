import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// A module that has been compiled, and has said what it is: what every database that runs it needs.
final class WASMProgram: Sendable {
    let code: CompiledModule
    let shape: ModuleShape
    let limits: WASMLimits
    let callTicks: UInt64
    let startTicks: UInt64
    /// What numbers follow from that a guest draws while it is started.
    let seed: UInt64
    /// Everything but the definition is there before the first guest runs; that is what gives it.
    let definition: RawModuleDefV10
    let reducers: [Callable]
    /// How many bytes the arguments of each reducer have, if any bytes of that number are such arguments; -1 if more is to be
    /// looked at.
    let plainArgumentCounts: [Int]
    let procedures: [Callable]
    /// What each procedure returns.
    let results: [Values]
    let views: [View]
    let handlers: [String]

    var engine: WASMEngine { code.engine }

    /// Values of known types, one behind the other.
    struct Values: Sendable {
        /// Nil if they are of types that no row could have, as those that contain themselves.
        private let check: ValueCheck?
        private let type: ProductType
        private let typespace: Typespace

        init(_ type: ProductType, _ typespace: Typespace) {
            self.type = type
            self.typespace = typespace
            check = ValueCheck(type.elements.map(\.algebraicType))
        }

        /// How many bytes they have, if any bytes of that number are such values; -1 if more is to be looked at.
        var plainByteCount: Int { check?.plainByteCount ?? -1 }

        /// - Throws: unless the bytes are such values, and nothing else.
        func validate(_ bytes: UnsafeRawBufferPointer) throws(BSATNError) {
            if let check { try unsafe check.validate(bytes) } else { try unsafe decode(bytes) }
        }

        private func decode(_ bytes: UnsafeRawBufferPointer) throws(BSATNError) {
            var reader = BSATNReader(unsafe RawSpan(_unsafeBytes: bytes))
            _ = try AlgebraicValue(from: &reader, type: .product(type), in: typespace)
            try reader.finish()
        }
    }

    /// A function that is called with arguments.
    struct Callable: Sendable {
        /// What the module calls it.
        let name: String
        private let parameters: Values

        var plainArgumentCount: Int { parameters.plainByteCount }

        init(_ name: String, _ parameters: ProductType, _ typespace: Typespace) {
            self.name = name
            self.parameters = Values(parameters, typespace)
        }

        /// - Throws: `badArguments` unless the bytes are what the function takes.
        func validate(_ arguments: UnsafeRawBufferPointer) throws(DatabaseError) {
            do throws(BSATNError) { try unsafe parameters.validate(arguments) } catch {
                throw DatabaseError(.badArguments, "the arguments are not what '\(name)' takes: \(error)", cause: error)
            }
        }
    }

    struct View: Sendable {
        let callable: Callable
        /// Its number among those of its kind.
        let index: UInt32
        let isAnonymous: Bool
    }

    /// A program that has not described itself.
    private init(_ code: CompiledModule, _ shape: ModuleShape, _ limits: WASMLimits) {
        self.code = code
        self.shape = shape
        self.limits = limits
        (callTicks, startTicks) = Self.ticks(limits)
        seed = Self.seed(code)
        definition = RawModuleDefV10()
        reducers = []
        plainArgumentCounts = []
        procedures = []
        results = []
        views = []
        handlers = []
    }

    /// Compiles a module, starts it once, and has it describe itself.
    ///
    /// - Throws: `invalidModule` if it cannot be run; `moduleFailure` if there is no Wasmtime.
    convenience init(_ bytes: [UInt8], _ options: WASMOptions) throws(DatabaseError) {
        try self.init(CompiledModule.of(bytes, cache: options.cache), options)
    }

    /// Starts a compiled module once, and has it describe itself.
    init(_ code: CompiledModule, _ options: WASMOptions) throws(DatabaseError) {
        self.code = code
        shape = try ModuleShape(code.code, allowsWASI: options.allowsWASI)
        limits = options.limits
        (callTicks, startTicks) = Self.ticks(limits)
        seed = Self.seed(code)
        // Whose database it is nobody knows yet; this guest is not kept.
        let guest = try Guest(WASMProgram(code, shape, limits), identity: .zero)
        definition = try Self.decode(try guest.start() ?? [], guest)
        let schema = try DatabaseCore.validate(definition)
        let types = schema.typespace
        reducers = schema.reducers.map { Callable($0.name, $0.parametersType, types) }
        plainArgumentCounts = reducers.map(\.plainArgumentCount)
        procedures = schema.procedures.map { Callable($0.name, $0.parametersType, types) }
        results = schema.procedures.map {
            Values(ProductType([ProductType.Element(name: nil, algebraicType: $0.returnType)]), types)
        }
        views = schema.views.map { view in
            View(
                callable: Callable(view.name, ProductType(view.parameters), types), index: view.index,
                isAnonymous: view.isAnonymous)
        }
        handlers = schema.httpHandlers.map(\.sourceName)
        try requireExports()
    }

    private static func ticks(_ limits: WASMLimits) -> (UInt64, UInt64) {
        (EpochTicker.ticks(in: limits.callDuration), EpochTicker.ticks(in: limits.startDuration))
    }

    private static func seed(_ code: CompiledModule) -> UInt64 {
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(code.hash[$1]) << UInt64($1 * 8) }
    }

    private static func decode(_ bytes: [UInt8], _ guest: Guest) throws(DatabaseError) -> RawModuleDefV10 {
        guard !bytes.isEmpty else {
            throw DatabaseError(
                .invalidModule, "the module in WebAssembly describes itself by nothing\(guest.startLines)")
        }
        do {
            var reader = unsafe BSATNReader(bytes.span.bytes)
            return try RawModuleDef(from: &reader).upgraded()
        } catch {
            throw DatabaseError(
                .invalidModule,
                "the module in WebAssembly describes itself by what is no definition: \(error)\(guest.startLines)",
                cause: error)
        }
    }

    /// - Throws: if it defines what it has no way to be called for.
    private func requireExports() throws(DatabaseError) {
        let needs = [
            (!procedures.isEmpty, ModuleShape.procedure), (views.contains { !$0.isAnonymous }, ModuleShape.view),
            (views.contains { $0.isAnonymous }, ModuleShape.anonymousView), (!handlers.isEmpty, ModuleShape.handler),
        ]
        for (isNeeded, export) in needs where isNeeded && !shape.functions.contains(export) {
            throw DatabaseError(
                .invalidModule,
                "the module in WebAssembly defines functions that '\(export)' runs, but it does not export that")
        }
    }
}

extension ProductType {
    fileprivate init(_ parameters: [ParameterSchema]) {
        self.init(parameters.map { Element(name: $0.name, algebraicType: $0.type) })
    }
}
