package import SpacetimeSATS

/// Version 9 of a module definition: names as they are, no sections.
package struct RawModuleDefV9: RawRecord {
    package var typespace = Typespace()
    package var tables: [RawTableDefV9] = []
    package var reducers: [RawReducerDefV9] = []
    package var types: [RawTypeDef] = []
    package var miscExports: [RawMiscExportV9] = []
    package var rowLevelSecurity: [RawRowLevelSecurityDef] = []

    package init() {}

    package static var minimumByteCount: Int { 24 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        typespace = try Typespace(from: &reader)
        tables = try reader.readArray()
        reducers = try reader.readArray()
        types = try reader.readArray()
        miscExports = try reader.readArray()
        rowLevelSecurity = try reader.readArray()
    }

    package func encode(to writer: inout BSATNWriter) {
        typespace.encode(to: &writer)
        writer.writeArray(tables)
        writer.writeArray(reducers)
        writer.writeArray(types)
        writer.writeArray(miscExports)
        writer.writeArray(rowLevelSecurity)
    }
}

package struct RawTableDefV9: RawRecord {
    package var name: String
    package var productTypeRef: UInt32
    package var primaryKey: [ColumnID] = []
    package var indexes: [RawIndexDef] = []
    package var constraints: [RawConstraintDef] = []
    package var sequences: [RawSequenceDef] = []
    package var schedule: RawScheduleDefV9?
    package var tableType = RawTableType.user
    package var tableAccess = RawTableAccess.public

    package init(name: String, productTypeRef: UInt32) {
        self.name = name
        self.productTypeRef = productTypeRef
    }

    package static var minimumByteCount: Int { 27 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        productTypeRef = try reader.readU32()
        primaryKey = try reader.readArray()
        indexes = try reader.readArray()
        constraints = try reader.readArray()
        sequences = try reader.readArray()
        schedule = try reader.readOptional()
        tableType = try RawTableType(from: &reader)
        tableAccess = try RawTableAccess(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        writer.write(productTypeRef)
        writer.writeArray(primaryKey)
        writer.writeArray(indexes)
        writer.writeArray(constraints)
        writer.writeArray(sequences)
        writer.writeOptional(schedule)
        tableType.encode(to: &writer)
        tableAccess.encode(to: &writer)
    }
}

package struct RawScheduleDefV9: RawRecord {
    package var name: String?
    /// A reducer or a procedure.
    package var reducerName: String
    package var scheduledAtColumn: ColumnID

    package init(name: String? = nil, reducerName: String, scheduledAtColumn: ColumnID) {
        self.name = name
        self.reducerName = reducerName
        self.scheduledAtColumn = scheduledAtColumn
    }

    package static var minimumByteCount: Int { 7 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readOptionalName()
        reducerName = try reader.readString()
        scheduledAtColumn = try ColumnID(from: &reader)
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.writeOptionalName(name)
        writer.write(reducerName)
        scheduledAtColumn.encode(to: &writer)
    }
}

package struct RawReducerDefV9: RawRecord {
    package var name: String
    package var parameters: ProductType
    package var lifecycle: Lifecycle?

    package init(name: String, parameters: ProductType = .empty, lifecycle: Lifecycle? = nil) {
        self.name = name
        self.parameters = parameters
        self.lifecycle = lifecycle
    }

    package static var minimumByteCount: Int { 9 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        name = try reader.readString()
        parameters = try ProductType(from: &reader)
        lifecycle = try reader.readOptional()
    }

    package func encode(to writer: inout BSATNWriter) {
        writer.write(name)
        parameters.encode(to: &writer)
        writer.writeOptional(lifecycle)
    }
}

package enum RawMiscExportV9: RawRecord {
    case columnDefaultValue(table: String, RawColumnDefaultValue)
    case procedure(name: String, parameters: ProductType, returnType: AlgebraicType)
    case view(RawViewDef)

    package static var minimumByteCount: Int { 10 }

    package init(from reader: inout BSATNReader) throws(BSATNError) {
        switch try reader.readTag(below: 3) {
        case 0:
            let table = try reader.readString()
            self = .columnDefaultValue(table: table, try RawColumnDefaultValue(from: &reader))
        case 1:
            let name = try reader.readString()
            let parameters = try ProductType(from: &reader)
            self = .procedure(name: name, parameters: parameters, returnType: try AlgebraicType(from: &reader))
        default:
            self = .view(try RawViewDef(from: &reader))
        }
    }

    package func encode(to writer: inout BSATNWriter) {
        switch self {
        case .columnDefaultValue(let table, let value):
            writer.writeTag(0)
            writer.write(table)
            value.encode(to: &writer)
        case .procedure(let name, let parameters, let returnType):
            writer.writeTag(1)
            writer.write(name)
            parameters.encode(to: &writer)
            returnType.encode(to: &writer)
        case .view(let view):
            writer.writeTag(2)
            view.encode(to: &writer)
        }
    }
}

extension RawModuleDefV9 {
    /// The same definition in the shape of version 10. What the two versions understand differently under the same
    /// shape is the validator's to know.
    func upgraded(errors: inout ErrorCollector) -> RawModuleDefV10 {
        var procedures: [RawProcedureDefV10] = []
        var views: [RawViewDef] = []
        var defaults: [String: [RawColumnDefaultValue]] = [:]
        for export in miscExports {
            switch export {
            case .columnDefaultValue(let table, let value): defaults[table, default: []].append(value)
            case .view(let view): views.append(view)
            case .procedure(let name, let parameters, let returnType):
                procedures.append(RawProcedureDefV10(sourceName: name, parameters: parameters, returnType: returnType))
            }
        }
        let known = Set(tables.map(\.name))
        for table in defaults.keys.sorted() where !known.contains(table) {
            errors.report(
                .tableNotFound, at: SchemaPath(.table(table)), "a default value is given, but there is no such table")
        }
        return RawModuleDefV10(sections: [
            .typespace(typespace), .types(types),
            .tables(tables.map { $0.upgraded(defaults: defaults[$0.name] ?? []) }),
            .reducers(reducers.map { RawReducerDefV10(sourceName: $0.name, parameters: $0.parameters) }),
            .procedures(procedures), .views(views), .schedules(tables.compactMap(\.upgradedSchedule)),
            .lifecycleReducers(
                reducers.compactMap { reducer in
                    reducer.lifecycle.map { RawLifecycleReducerDef(lifecycle: $0, functionName: reducer.name) }
                }),
            .rowLevelSecurity(rowLevelSecurity), .caseConversionPolicy(.none),
        ])
    }
}

extension RawTableDefV9 {
    fileprivate func upgraded(defaults: [RawColumnDefaultValue]) -> RawTableDefV10 {
        RawTableDefV10(
            sourceName: name, productTypeRef: productTypeRef, primaryKey: primaryKey, indexes: indexes,
            constraints: constraints, sequences: sequences, tableType: tableType, tableAccess: tableAccess,
            defaultValues: defaults)
    }

    fileprivate var upgradedSchedule: RawScheduleDefV10? {
        schedule.map {
            RawScheduleDefV10(
                sourceName: $0.name, tableName: name, scheduleAtColumn: $0.scheduledAtColumn,
                functionName: $0.reducerName)
        }
    }
}
