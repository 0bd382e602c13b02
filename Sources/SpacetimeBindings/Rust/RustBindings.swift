/// Code for the original's Rust SDK, `spacetimedb-sdk` 2.8: one file, `mod.rs`.
struct RustBindings {
    var report = BindingReport()
    var source = SourceText()
    /// The names of the module.
    var names: NameScope

    static func bindings(
        of model: BindingModel, _ options: BindingOptions
    ) throws(BindingFailure) -> Bindings {
        let reserved = RustNames.reserved.map { ($0, "something that generated code needs, '\($0)',") }
        var writer = RustBindings(
            names: NameScope("the module", reserved: Dictionary(reserved) { first, _ in first }))
        writer.report.note(submodulesOf: model, for: "Rust")
        let model = model.flattened()
        writer.source.line(Bindings.marker)
        writer.source.line("// For the crate spacetimedb-sdk 2.8.")
        writer.source.add(RustTemplate.module)
        writer.types(model)
        writer.queries(model)
        writer.tables(model)
        writer.functions(model)
        return try writer.report.bindings([BindingFile(path: "mod.rs", text: writer.source.text)])
    }

    // MARK: Types

    private mutating func types(_ model: BindingModel) {
        for type in model.types {
            let name = RustNames.typeName(type)
            names.claim(type.pascalName, for: type.described, &report)
            if type.isRecursive, isInfinite(type, model) {
                report.errors.append(
                    "\(type.described) holds itself without an array in between; the original's Rust SDK has no way to say that"
                )
            }
            var scope = NameScope(type.described)
            source.line()
            switch type.shape {
            case .product(let fields):
                source.open("data!(\(name), pub struct \(name) {")
                for field in fields {
                    let member = RustNames.snake(field.sourceName)
                    scope.claim(member, for: "'\(field.sourceName)'", &report)
                    source.line("pub \(member): \(RustNames.text(field.type, in: model)),")
                }
                source.close("});")
            case .sum(let variants):
                source.open("\(type.isPlainEnum ? "plain_enum" : "data")!(\(name), pub enum \(name) {")
                for variant in variants {
                    let member = RustNames.pascal(variant.sourceName)
                    scope.claim(member, for: "'\(variant.sourceName)'", &report)
                    let payload = variant.type == .unit ? "" : "(\(RustNames.text(variant.type, in: model)))"
                    source.line("\(member)\(payload),")
                }
                source.close("});")
            }
        }
    }

    private func isInfinite(_ type: BindingModel.DeclaredType, _ model: BindingModel) -> Bool {
        var seen: Set<Int> = []
        func reaches(_ use: TypeUse) -> Bool {
            switch use {
            case .option(let payload): return reaches(payload)
            case .result(let ok, let error): return reaches(ok) || reaches(error)
            case .declared(let position):
                if model.types[position] == type { return true }
                return seen.insert(position).inserted && model.types[position].fields.contains { reaches($0.type) }
            default: return false
            }
        }
        return type.fields.contains { reaches($0.type) }
    }

    // MARK: Queries

    /// The columns of each type of rows, once, however many tables have them.
    private mutating func queries(_ model: BindingModel) {
        for row in Set(model.tables.filter(\.parameters.isEmpty).map(\.row)).sorted() {
            let type = model.types[row]
            let (name, bare) = (RustNames.typeName(type), type.pascalName)
            let tables = model.tables.filter { $0.row == row && !$0.isView }
            names.claim("\(bare)Cols", for: "the columns of \(type.described)", &report)
            source.line()
            columns("cols", "\(name), \(bare)Cols", Array(type.fields.indices), type, model)
            if tables.isEmpty { continue }
            names.claim("\(bare)IxCols", for: "the indexed columns of \(type.described)", &report)
            let indexed = type.fields.indices.filter { column in
                tables.allSatisfy { table in
                    table.uniqueColumns.contains(column) || table.indexes.contains { $0.columns == [column] }
                }
            }
            columns("ix_cols", "\(name), \(bare)IxCols", indexed, type, model)
            if tables.contains(where: { !$0.isEvent }) {
                source.line("impl sdk::__query_builder::CanBeLookupTable for \(name) {}")
            }
        }
    }

    private mutating func columns(
        _ macro: String, _ head: String, _ places: [Int], _ type: BindingModel.DeclaredType, _ model: BindingModel
    ) {
        source.open("\(macro)!(\(head) {")
        for place in places {
            let field = type.fields[place]
            source.line(
                "\(RustNames.snake(field.sourceName)): \(RustNames.text(field.type, in: model)) = \(RustNames.quoted(field.wireName)),"
            )
        }
        source.close("});")
    }
}
