import SpacetimeSATS

extension TableSchema {
    /// Checks a table that was made by hand against the rules for tables of a module, all at once.
    ///
    /// Types must be free of `Ref`s. Costs time linear in the table.
    @discardableResult
    package func validated(options: ValidationOptions = ValidationOptions()) throws(SchemaErrors) -> TableSchema {
        let path = SchemaPath(.table(sourceName))
        var errors = ErrorCollector()
        var untyped: Set<ColumnID> = []
        var resolver: TypeResolver?
        for (position, column) in columns.enumerated().prefix(options.columnLimit) {
            let columnPath = path.appending(.column(column.sourceName))
            var problem: TypeProblem?
            if column.type.inlineDepthExceeds(options.typeDepthLimit) {
                problem = .tooDeep
            } else {
                let known =
                    resolver
                    ?? TypeResolver(
                        types: [], declared: [], depthLimit: options.typeDepthLimit, sizeLimit: options.typeSizeLimit)
                resolver = known
                if case .failure(let failure) = known.resolve(column.type) { problem = failure }
            }
            if let problem {
                errors.report(problem, at: columnPath, options: options)
                untyped.insert(ColumnID(position))
            }
        }
        var rules = TableRules(table: self, path: path, options: options, untyped: untyped)
        rules.check()
        errors.append(contentsOf: rules.errors)
        var names = NameRegistry(reporting: .duplicateName)
        names.claimNames(of: self, at: path, errors: &errors)
        try errors.throwIfAny()
        return self
    }
}

extension ErrorCollector {
    mutating func report(_ problem: TypeProblem, at path: SchemaPath, options: ValidationOptions) {
        switch problem {
        case .invalidRef(let ref):
            report(.invalidTypeRef, at: path, "type reference \(ref) leads out of the typespace")
        case .recursive(let ref):
            report(
                .recursiveTypeRef, at: path,
                "the type contains itself (type \(ref) of the module's list), so its values have no bound; "
                    + "store the nested part in a table of its own")
        case .tooDeep:
            report(.typeTooDeep, at: path, "the type nests deeper than \(options.typeDepthLimit) levels; flatten it")
        case .tooLarge:
            report(
                .typeTooLarge, at: path,
                "the type has more than \(options.typeSizeLimit) parts when written out; split it")
        case .tooManyVariants(let count):
            report(
                .tooManyVariants, at: path, "a sum has \(count) variants; the tag is one byte, so use at most 256")
        }
    }

    mutating func report(_ problem: UseProblem, at path: SchemaPath) {
        switch problem {
        case .invalidRef(let ref):
            report(.invalidTypeRef, at: path, "type reference \(ref) leads out of the typespace")
        case .recursive(let ref):
            report(
                .recursiveTypeRef, at: path,
                "type reference \(ref) leads back to itself without passing a declared type; declare one of them")
        case .inlineComposite:
            report(
                .nonSpecialTypeNotAUse, at: path,
                "a product or sum stands inline; declare it as a type and refer to that")
        case .undeclared(let ref):
            report(
                .nonDeclaredTypeDef, at: path, "type reference \(ref) leads to a type without a name; declare it")
        }
    }
}
