/// Which rule a definition breaks. Where the rule is one of SpacetimeDB's, the case has the name it has there.
package enum SchemaErrorCode: String, Hashable, Sendable, CaseIterable {
    // Names
    case identifierEmpty, identifierNotCanonicalized, identifierInvalidStart, identifierInvalidContinue
    case duplicateName, duplicateFunctionName, duplicateTypeName, duplicateHttpHandlerName
    case tableNameReserved, namespaceTooLong, duplicateExplicitName

    // Types
    case invalidTypeRef, notValidForDefinition, namelessTypeDefElement, nonSpecialTypeNotAUse, nonDeclaredTypeDef
    case recursiveTypeRef, typeHasIncorrectOrdering

    // Tables
    case invalidProductTypeRef, unnamedColumn, duplicateColumnName, repeatedPrimaryKey
    case missingPrimaryKeyUniqueConstraint, uniqueConstraintWithoutIndex, columnNotFound, duplicateColumns
    case columnDefaultValueMalformed, multipleColumnDefaultValues, emptyColumnList

    // Indexes
    case directIndexOnBadType, missingIndexSourceName, indexUniquenessMismatch

    // Sequences
    case invalidSequenceColumnType, oneAutoInc, invalidSequenceRange, invalidSequenceIncrement

    // Functions
    case namelessParameter, duplicateParameterName, invalidReducerReturnType, lifecycleWithoutReducer
    case duplicateLifecycle, lifecycleInSubmodule, lifecycleReducerHasParameters

    // Views
    case invalidViewReturnType, viewPrimaryKeyViewNotFound, repeatedViewPrimaryKey, multipleViewPrimaryKeyColumns
    case viewPrimaryKeyColumnNotFound

    // Schedules
    case tableNotFound, scheduledIncorrectColumns, duplicateSchedule, missingScheduledFunction
    case incorrectScheduledFunctionParams

    // HTTP
    case invalidHttpRoutePath, duplicateHttpRoute, missingHttpHandler

    // Older definitions
    case columnDefMalformed

    // Stricter than SpacetimeDB's host, as its module libraries are
    case floatInKey

    // Limits of this implementation
    case tooManyColumns, tooManyIndexes, tooManyVariants, nameTooLong, typeTooDeep, typeTooLarge, nestedTooDeep
}

/// Where in a definition a rule is broken, outermost part first: table `player`, column `id`.
package struct SchemaPath: Hashable, Sendable, CustomStringConvertible {
    /// One step of the path. Parts are called by their source names where they have one, else by position.
    package enum Component: Hashable, Sendable {
        case submodule(String), type(String), table(String), column(String), index(String), constraint(String)
        case sequence(String), schedule(String), reducer(String), procedure(String), view(String)
        case lifecycle(String), parameter(String), handler(String), route(String), element(String), explicitName(String)
    }

    package var components: [Component]

    package init(_ components: Component...) {
        self.components = components
    }

    /// A path one step longer.
    package func appending(_ component: Component) -> SchemaPath {
        var path = self
        path.components.append(component)
        return path
    }

    package var description: String {
        components.isEmpty ? "module" : components.map(\.description).joined(separator: ", ")
    }
}

extension SchemaPath.Component: CustomStringConvertible {
    package var description: String {
        switch self {
        case .submodule(let name): "submodule \(quoted(name))"
        case .type(let name): "type \(quoted(name))"
        case .table(let name): "table \(quoted(name))"
        case .column(let name): "column \(quoted(name))"
        case .index(let name): "index \(quoted(name))"
        case .constraint(let name): "unique constraint \(quoted(name))"
        case .sequence(let name): "sequence \(quoted(name))"
        case .schedule(let name): "schedule \(quoted(name))"
        case .reducer(let name): "reducer \(quoted(name))"
        case .procedure(let name): "procedure \(quoted(name))"
        case .view(let name): "view \(quoted(name))"
        case .lifecycle(let name): "lifecycle \(quoted(name))"
        case .parameter(let name): "parameter \(quoted(name))"
        case .handler(let name): "HTTP handler \(quoted(name))"
        case .route(let path): "HTTP route \(quoted(path))"
        case .element(let name): "element \(quoted(name))"
        case .explicitName(let name): "explicit name \(quoted(name))"
        }
    }
}

/// One broken rule: which, where, and what to do about it.
package struct SchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    package var code: SchemaErrorCode
    package var path: SchemaPath
    /// What is wrong and what to change, without the place.
    package var message: String

    package init(_ code: SchemaErrorCode, at path: SchemaPath, _ message: String) {
        self.code = code
        self.path = path
        self.message = message
    }

    package var description: String { "\(path): \(message) [\(code.rawValue)]" }
}

/// Every broken rule of a definition, part after part; never empty when thrown.
package struct SchemaErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first 10,000.
    package var errors: [SchemaError]
    /// How many more there are.
    package var omittedCount: Int

    package init(_ errors: [SchemaError], omittedCount: Int = 0) {
        self.errors = errors
        self.omittedCount = omittedCount
    }

    /// One line per error, for the first hundred.
    package var description: String {
        let shown = errors.prefix(100)
        let hiddenCount = errors.count - shown.count + omittedCount
        let lines = shown.map(\.description).joined(separator: "\n")
        return hiddenCount == 0 ? lines : lines + "\nand \(hiddenCount) more"
    }
}

/// What is wrong with a module definition.
package typealias ModuleDefinitionErrors = SchemaErrors
