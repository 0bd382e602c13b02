extension StockTypeScriptBindings {
    /// The file of a table: the columns of its rows, with what is known of them.
    mutating func row(_ table: BindingModel.Table, _ model: BindingModel) -> SourceText {
        let fields = model.columns(of: table)
        var source = Self.begun()
        let columns = fields.enumerated().map { place, field in
            let name = NameStyle.camel.name(field.sourceName)
            return TypeScriptNames.property(name, column(place, field, name, table, model), field.type)
        }
        let needsSDK = columns.contains { $0.contains("sdk.") }
        if needsSDK { source.line("import * as sdk from 'spacetimedb';") }
        source.line("import { t } from 'spacetimedb';")
        let types = Set(fields.flatMap(\.type.declaredTypes)).map { model.types[$0].pascalName }.sorted()
        if !types.isEmpty { source.line("import { \(types.joined(separator: ", ")) } from './types\(ending)';") }
        source.line()
        source.open("export default t.row(\(TypeScriptNames.quoted(model.types[table.row].pascalName)), {")
        for column in columns { source.line(column) }
        source.close("});")
        if table.primaryKey.count > 1 {
            report.warnings.append(
                "the primary key of \(table.described) has several columns, which the original's SDKs do not know: updates come as "
                    + "rows that go and rows that come")
        }
        return source
    }

    /// A column with what the SDK has to know of it: whether it is unique, and its name if that is not the property's.
    private mutating func column(
        _ place: Int, _ field: BindingModel.Field, _ property: String, _ table: BindingModel.Table,
        _ model: BindingModel
    ) -> String {
        let isKey = table.primaryKey == [place]
        let isUnique = !isKey && table.uniqueColumns.contains(place)
        if isKey || isUnique, TypeScriptNames.cacheMembers.contains(property) {
            report.errors.append(
                "the unique column '\(field.sourceName)' of \(table.described) has the name of a part of the SDK's; give it another "
                    + "one in the module")
        }
        let builder = TypeScriptNames.builder(field.type, in: model)
        let isRenamed = property != field.wireName
        guard isKey || isUnique || isRenamed else { return builder }
        let abilities = Abilities(field.type, in: model)
        if (isKey && !abilities.hasKey) || (isUnique && !abilities.hasUnique) || (isRenamed && !abilities.hasName) {
            var parts: [String] = []
            if isRenamed { parts.append("name: \(TypeScriptNames.quoted(field.wireName))") }
            if isKey { parts.append("isPrimaryKey: true") }
            if isUnique { parts.append("isUnique: true") }
            return "new sdk.ColumnBuilder(\(builder), { \(parts.joined(separator: ", ")) } as const)"
        }
        return builder + (isKey ? ".primaryKey()" : "") + (isUnique ? ".unique()" : "")
            + (isRenamed ? ".name(\(TypeScriptNames.quoted(field.wireName)))" : "")
    }

    /// Which members the SDK's builder of a type has.
    private struct Abilities {
        var hasKey = false
        var hasUnique = false
        var hasName = true

        init(_ type: TypeUse, in model: BindingModel) {
            switch type {
            case .bool, .string, .identity, .connectionId, .timestamp, .timeDuration, .uuid:
                (hasKey, hasUnique) = (true, true)
            case .number(let number): (hasKey, hasUnique) = (!number.isFloat, !number.isFloat)
            case .declared(let position): hasKey = model.types[position].isSum
            case .unit, .result: hasName = false
            case .bytes, .array, .option, .scheduleAt, .never: break
            }
        }
    }

    /// The indexes of a table, as the SDK takes them.
    mutating func indexes(_ table: BindingModel.Table, _ model: BindingModel) -> [String] {
        let fields = model.columns(of: table)
        let properties = fields.map { NameStyle.camel.name($0.sourceName) }
        var names = NameScope(table.described)
        for column in table.uniqueColumns {
            names.claim(properties[column], for: "column '\(fields[column].sourceName)'", &report)
        }
        var written: [String] = []
        for index in table.indexes {
            // The column itself has it.
            if index.isUnique, index.columns.count == 1 { continue }
            guard let accessor = index.accessor else { continue }
            guard !TypeScriptNames.cacheMembers.contains(accessor) else {
                report.warnings.append(
                    "index '\(accessor)' of \(table.described) is left out: the SDK has something else of that name")
                continue
            }
            names.claim(accessor, for: "index '\(accessor)'", &report)
            let columns = index.columns.map { TypeScriptNames.quoted(properties[$0]) }.joined(separator: ", ")
            written.append(
                "{ accessor: \(TypeScriptNames.quoted(accessor)), name: \(TypeScriptNames.quoted(index.name)), "
                    + "algorithm: 'btree', columns: [\(columns)] }")
        }
        return written
    }
}
