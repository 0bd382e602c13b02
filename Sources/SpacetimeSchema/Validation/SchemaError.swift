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

    // Limits of this implementation
    case tooManyColumns, typeTooDeep, typeTooLarge, nestedTooDeep
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
        case .submodule(let name): "submodule '\(name)'"
        case .type(let name): "type '\(name)'"
        case .table(let name): "table '\(name)'"
        case .column(let name): "column '\(name)'"
        case .index(let name): "index '\(name)'"
        case .constraint(let name): "unique constraint '\(name)'"
        case .sequence(let name): "sequence '\(name)'"
        case .schedule(let name): "schedule '\(name)'"
        case .reducer(let name): "reducer '\(name)'"
        case .procedure(let name): "procedure '\(name)'"
        case .view(let name): "view '\(name)'"
        case .lifecycle(let name): "lifecycle '\(name)'"
        case .parameter(let name): "parameter '\(name)'"
        case .handler(let name): "HTTP handler '\(name)'"
        case .route(let path): "HTTP route '\(path)'"
        case .element(let name): "element '\(name)'"
        case .explicitName(let name): "explicit name '\(name)'"
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

/// Every broken rule of a definition, in the order of the definition; never empty when thrown.
package struct SchemaErrors: Error, Hashable, Sendable, CustomStringConvertible {
    package var errors: [SchemaError]

    package init(_ errors: [SchemaError]) {
        self.errors = errors
    }

    /// One line per error.
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// What is wrong with a module definition.
package typealias ModuleDefinitionErrors = SchemaErrors
