import SpacetimeSATS

extension ModuleValidator {
    mutating func checkTypes() {
        var owners: [[String]: SchemaPath] = [:]
        // Fields of row types are checked as columns, which gives the better report.
        checkedDefinitions = Set(raw.tables.map(\.productTypeRef))
        for definition in raw.types {
            let path = root.appending(.type((definition.scope + [definition.sourceName]).joined(separator: "::")))
            let name = policy.convertedType(definition.sourceName)
            let scope = definition.scope.map { policy.convertedType($0) }
            let limit = options.nameByteLimit
            errors.checkIdentifier(name, at: path, limit: limit, source: definition.sourceName)
            for (part, source) in zip(scope, definition.scope) {
                errors.checkIdentifier(part, at: path, limit: limit, source: source)
            }
            if let owner = owners[scope + [name]] {
                errors.report(
                    .duplicateTypeName, at: path,
                    "the type name \(quoted(name)) is taken by \(owner); rename one of them")
            } else {
                owners[scope + [name]] = path
            }
            checkDefinition(definition, at: path)
            schema.types.append(
                DeclaredTypeSchema(
                    name: name, scope: scope, sourceName: definition.sourceName, sourceScope: definition.scope,
                    ref: definition.ref, hasCustomOrdering: definition.customOrdering))
        }
    }

    private mutating func checkDefinition(_ definition: RawTypeDef, at path: SchemaPath) {
        guard Int(definition.ref) < types.count else {
            errors.report(
                .invalidTypeRef, at: path,
                "type reference \(definition.ref) leads out of the typespace of \(types.count) types")
            return
        }
        let source = sourceTypes[Int(definition.ref)]
        guard !source.isSpecial, let names = source.partNames else {
            errors.report(
                .notValidForDefinition, at: path,
                "only products and sums other than the special types can be declared; use the type inline instead")
            return
        }
        if case .sum = source, names.count > SumType.variantLimit {
            errors.report(.tooManyVariants(names.count), at: path, options: options)
        }
        if !definition.customOrdering && !Self.isSorted(names) {
            errors.report(
                .typeHasIncorrectOrdering, at: path,
                "without custom ordering the parts must be sorted by name, nameless ones first")
        }
        // A type may be declared under many names; what it consists of is looked at for the first.
        guard checkedDefinitions.insert(definition.ref).inserted else { return }
        checkParts(source, converted: types[Int(definition.ref)], at: path)
    }

    private mutating func checkParts(_ source: AlgebraicType, converted: AlgebraicType, at path: SchemaPath) {
        let names = source.partNames ?? []
        let convertedNames = converted.partNames ?? []
        for (position, type) in converted.partTypes.enumerated() {
            let partPath = path.appending(.element(names[position] ?? "\(position)"))
            if let name = names[position], let convertedName = convertedNames[position] {
                let limit = options.nameByteLimit
                if errors.checkIdentifier(name, at: partPath, limit: limit), name != convertedName {
                    errors.checkIdentifier(convertedName, at: partPath, limit: limit, source: name)
                }
            } else {
                errors.report(.namelessTypeDefElement, at: partPath, "a part of a declared type needs a name")
            }
            if let problem = resolver.useProblem(type) {
                errors.report(problem, at: partPath)
            }
        }
    }

    private static func isSorted(_ names: [String?]) -> Bool {
        zip(names, names.dropFirst()).allSatisfy { left, right in
            guard let left else { return true }
            guard let right else { return false }
            return !right.utf8.lexicographicallyPrecedes(left.utf8)
        }
    }
}

extension AlgebraicType {
    /// Names of fields or variants; nil if the type has no parts.
    fileprivate var partNames: [String?]? {
        switch self {
        case .product(let product): product.elements.map(\.name)
        case .sum(let sum): sum.variants.map(\.name)
        default: nil
        }
    }

    fileprivate var partTypes: [AlgebraicType] {
        switch self {
        case .product(let product): product.elements.map(\.algebraicType)
        case .sum(let sum): sum.variants.map(\.algebraicType)
        default: []
        }
    }
}
