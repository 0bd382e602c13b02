package import SpacetimeSATS

/// Version 10 of a module definition: a list of sections, as a module emits it.
///
/// The order of the sections is kept, so that encoding gives back the bytes that were decoded. Reading goes through
/// the properties named after the sections: where a kind occurs twice, they show the first.
package struct RawModuleDefV10: RawRecord {
    package enum Section: Hashable, Sendable {
        case typespace(Typespace)
        case types([RawTypeDef])
        case tables([RawTableDefV10])
        case reducers([RawReducerDefV10])
        case procedures([RawProcedureDefV10])
        case views([RawViewDef])
        case schedules([RawScheduleDefV10])
        case lifecycleReducers([RawLifecycleReducerDef])
        case rowLevelSecurity([RawRowLevelSecurityDef])
        case caseConversionPolicy(CaseConversionPolicy)
        case explicitNames([RawExplicitName])
        case httpHandlers([RawHttpHandlerDef])
        case httpRoutes([RawHttpRouteDef])
        case viewPrimaryKeys([RawViewPrimaryKeyDef])
        case submodules([RawSubmodule])
    }

    /// How deep submodules may nest; decoding more throws ``BSATNError/tooDeep(limit:)``.
    package static let nestingLimit = 16

    package var sections: [Section]

    package init(sections: [Section] = []) {
        self.sections = sections
    }

    package var typespace: Typespace {
        first { if case .typespace(let value) = $0 { value } else { nil } } ?? Typespace()
    }
    package var types: [RawTypeDef] {
        first { if case .types(let value) = $0 { value } else { nil } } ?? []
    }
    package var tables: [RawTableDefV10] {
        first { if case .tables(let value) = $0 { value } else { nil } } ?? []
    }
    package var reducers: [RawReducerDefV10] {
        first { if case .reducers(let value) = $0 { value } else { nil } } ?? []
    }
    package var procedures: [RawProcedureDefV10] {
        first { if case .procedures(let value) = $0 { value } else { nil } } ?? []
    }
    package var views: [RawViewDef] {
        first { if case .views(let value) = $0 { value } else { nil } } ?? []
    }
    package var schedules: [RawScheduleDefV10] {
        first { if case .schedules(let value) = $0 { value } else { nil } } ?? []
    }
    package var lifecycleReducers: [RawLifecycleReducerDef] {
        first { if case .lifecycleReducers(let value) = $0 { value } else { nil } } ?? []
    }
    package var rowLevelSecurity: [RawRowLevelSecurityDef] {
        first { if case .rowLevelSecurity(let value) = $0 { value } else { nil } } ?? []
    }
    /// Snake case unless the module says otherwise.
    package var caseConversionPolicy: CaseConversionPolicy {
        first { if case .caseConversionPolicy(let value) = $0 { value } else { nil } } ?? .snakeCase
    }
    package var explicitNames: [RawExplicitName] {
        first { if case .explicitNames(let value) = $0 { value } else { nil } } ?? []
    }
    package var httpHandlers: [RawHttpHandlerDef] {
        first { if case .httpHandlers(let value) = $0 { value } else { nil } } ?? []
    }
    package var httpRoutes: [RawHttpRouteDef] {
        first { if case .httpRoutes(let value) = $0 { value } else { nil } } ?? []
    }
    package var viewPrimaryKeys: [RawViewPrimaryKeyDef] {
        first { if case .viewPrimaryKeys(let value) = $0 { value } else { nil } } ?? []
    }
    package var submodules: [RawSubmodule] {
        first { if case .submodules(let value) = $0 { value } else { nil } } ?? []
    }

    private func first<Value>(_ select: (Section) -> Value?) -> Value? {
        for section in sections {
            if let value = select(section) { return value }
        }
        return nil
    }
}

extension RawModuleDefV10 {
    package static var minimumByteCount: Int { 4 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        try self.init(from: &reader, depth: 0)
    }

    fileprivate init(from reader: inout BSATNReader, depth: Int) throws(BSATNError) {
        // A recursion that bytes from outside could drive as deep as they like would overrun the stack.
        guard depth <= Self.nestingLimit else { throw .tooDeep(limit: Self.nestingLimit) }
        // The shortest section is the tag and an empty list or, for the policy, one byte.
        let count = try reader.readCount(minimumElementSize: 2)
        sections = []
        for _ in 0..<count {
            sections.append(try Section(from: &reader, depth: depth))
        }
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeCount(sections.count)
        for section in sections {
            section.encode(to: &writer)
        }
    }
}

extension RawModuleDefV10.Section {
    fileprivate init(from reader: inout BSATNReader, depth: Int) throws(BSATNError) {
        switch try reader.readTag(below: 15) {
        case 0: self = .typespace(try Typespace(from: &reader))
        case 1: self = .types(try reader.readArray())
        case 2: self = .tables(try reader.readArray())
        case 3: self = .reducers(try reader.readArray())
        case 4: self = .procedures(try reader.readArray())
        case 5: self = .views(try reader.readArray())
        case 6: self = .schedules(try reader.readArray())
        case 7: self = .lifecycleReducers(try reader.readArray())
        case 8: self = .rowLevelSecurity(try reader.readArray())
        case 9: self = .caseConversionPolicy(try CaseConversionPolicy(from: &reader))
        case 10: self = .explicitNames(try reader.readArray())
        case 11: self = .httpHandlers(try reader.readArray())
        case 12: self = .httpRoutes(try reader.readArray())
        case 13: self = .viewPrimaryKeys(try reader.readArray())
        default:
            let count = try reader.readCount(minimumElementSize: RawSubmodule.minimumByteCount)
            var submodules: [RawSubmodule] = []
            for _ in 0..<count {
                let namespace = try reader.readString()
                let module = try RawModuleDefV10(from: &reader, depth: depth + 1)
                submodules.append(RawSubmodule(namespace: namespace, module: module))
            }
            self = .submodules(submodules)
        }
    }

    fileprivate func encode(to writer: inout BSATNWriter) {
        writer.writeTag(tag)
        switch self {
        case .typespace(let value): value.encode(to: &writer)
        case .types(let value): writer.writeArray(value)
        case .tables(let value): writer.writeArray(value)
        case .reducers(let value): writer.writeArray(value)
        case .procedures(let value): writer.writeArray(value)
        case .views(let value): writer.writeArray(value)
        case .schedules(let value): writer.writeArray(value)
        case .lifecycleReducers(let value): writer.writeArray(value)
        case .rowLevelSecurity(let value): writer.writeArray(value)
        case .caseConversionPolicy(let value): value.encode(to: &writer)
        case .explicitNames(let value): writer.writeArray(value)
        case .httpHandlers(let value): writer.writeArray(value)
        case .httpRoutes(let value): writer.writeArray(value)
        case .viewPrimaryKeys(let value): writer.writeArray(value)
        case .submodules(let value): writer.writeArray(value)
        }
    }

    private var tag: UInt8 {
        switch self {
        case .typespace: 0
        case .types: 1
        case .tables: 2
        case .reducers: 3
        case .procedures: 4
        case .views: 5
        case .schedules: 6
        case .lifecycleReducers: 7
        case .rowLevelSecurity: 8
        case .caseConversionPolicy: 9
        case .explicitNames: 10
        case .httpHandlers: 11
        case .httpRoutes: 12
        case .viewPrimaryKeys: 13
        case .submodules: 14
        }
    }
}

/// A module inside a module: without an envelope, so always of version 10.
package struct RawSubmodule: RawRecord {
    package var namespace: String
    package var module: RawModuleDefV10

    package init(namespace: String, module: RawModuleDefV10) {
        self.namespace = namespace
        self.module = module
    }

    package static var minimumByteCount: Int { 8 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        namespace = try reader.readString()
        module = try RawModuleDefV10(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(namespace)
        module.encode(to: &writer)
    }
}
