extension ModuleSchema {
    /// Checks a definition and gives it its final names and types.
    ///
    /// Reports all broken rules at once. Costs time linear in the definition, up to the limits of `options`; never
    /// traps, whatever the definition holds.
    package init(
        validating raw: RawModuleDefV10, options: ValidationOptions = ValidationOptions()
    ) throws(ModuleDefinitionErrors) {
        try self.init(validating: raw, dialect: .v10, options: options)
    }

    init(
        validating raw: RawModuleDefV10, dialect: DefinitionDialect, options: ValidationOptions,
        after conversion: ErrorCollector = ErrorCollector()
    ) throws(SchemaErrors) {
        var validator = try ModuleValidator(raw, dialect: dialect, options: options, root: SchemaPath(), depth: 0)
        let schema = validator.run()
        var errors = conversion
        errors.append(contentsOf: validator.errors)
        try errors.throwIfAny()
        self = schema
    }
}

extension ModuleSchema {
    /// Checks a definition of version 9, whose names stay as they are.
    package init(
        validating raw: RawModuleDefV9, options: ValidationOptions = ValidationOptions()
    ) throws(ModuleDefinitionErrors) {
        var errors = ErrorCollector()
        let upgraded = raw.upgraded(errors: &errors)
        try self.init(validating: upgraded, dialect: .v9, options: options, after: errors)
    }

    /// Checks a definition of version 8 by way of version 9.
    package init(
        validating raw: RawModuleDefV8, options: ValidationOptions = ValidationOptions()
    ) throws(ModuleDefinitionErrors) {
        var errors = ErrorCollector()
        let upgraded = raw.upgraded(options: options, errors: &errors).upgraded(errors: &errors)
        try self.init(validating: upgraded, dialect: .v9, options: options, after: errors)
    }

    /// Checks a definition of any version.
    package init(
        validating raw: RawModuleDef, options: ValidationOptions = ValidationOptions()
    ) throws(ModuleDefinitionErrors) {
        switch raw {
        case .v8(let raw): try self.init(validating: raw, options: options)
        case .v9(let raw): try self.init(validating: raw, options: options)
        case .v10(let raw): try self.init(validating: raw, options: options)
        }
    }
}
