import SwiftDiagnostics

/// Everything the macros can complain about. Each message says what is wrong and what to do instead.
enum MacroDiagnostic: DiagnosticMessage, Equatable {
    // Types that carry a macro.
    case tableNeedsStruct(found: String)
    case typeNeedsStructOrEnum(found: String)
    case moduleNeedsEnum(found: String)
    case groupNeedsEnum(found: String)
    case genericType(macro: String)
    case tableIsAlreadyType
    case reservedTypeName(String)
    case localType(macro: String)
    case isolatedType(macro: String, actor: String)
    case privateType

    // Stored properties.
    case noColumns
    case missingType(String)
    case tuplePattern
    case initializedConstant(String)
    case lazyProperty(String)
    case conditionalMembers
    case recursiveRow(column: String, row: String)
    case hiddenType(String)
    case unsupportedType(String, advice: String)

    // Keys, indexes and defaults.
    case autoIncrementNeedsInteger(column: String, type: String)
    case secondPrimaryKey
    case unsuitableKey(column: String, type: String)
    case directIndexNeedsUnsigned(column: String, type: String)
    case defaultWithKey(column: String)
    case nilForValue(column: String, type: String)
    case conditionalMarker(macro: String)
    case duplicateAccessor(String)
    case orphanMarker(macro: String)
    case markerOnNonColumn(macro: String)

    // Schedules.
    case scheduledEvents(column: String)
    case secondSchedule(column: String)
    case scheduleKey(row: String)
    case scheduleWithoutReducer(row: String)
    case scheduledRowWithoutTime(row: String)

    // Arguments of attributes.
    case notALiteral(argument: String)
    case invalidName(String)
    case unknownOption(String)
    case publicAndPrivate
    case unknownColumn(String, known: [String])
    case notAColumnPath
    case repeatedColumn(String)
    case noColumnsInIndex(String)
    case twoIndexNames(String, String)
    case unknownAlgorithm(String)

    // Enums as values.
    case noCases
    case tooManyCases(Int)

    // Modules.
    case noTables
    case unreadableTables
    case notATableType
    case notANamedTable
    case duplicateTable(String)
    case unreadableGroups
    case notAGroupType
    case duplicateGroup(String)
    case groupWithoutModule
    case conditionalTables
    case conditionalFunction(macro: String)
    case duplicateFunction(String)
    case duplicateLifecycle(String)

    // Functions.
    case outsideModule(FunctionKind)
    case inExtension(FunctionKind)
    case notStatic(FunctionKind)
    case isGeneric(FunctionKind)
    case isIsolated(FunctionKind, actor: String)
    case functionName(FunctionKind, String)
    case contextMissing(FunctionKind)
    case otherContext(FunctionKind, String)
    case inoutParameter(FunctionKind, String)
    case variadicParameter(FunctionKind, String)
    case defaultParameter(FunctionKind, String)
    case scheduledWithoutRow(FunctionKind)
    case publicIsHidden(String)

    // Reducers.
    case reducerIsAsync
    case slicedWithoutRow
    case reducerReturns
    case contextNotBorrowed(String)
    case lifecycleWithParameters(String)
    case unknownLifecycle(String)

    // Views.
    case viewIsAsync
    case viewReturnsNothing
    case viewResult(String)
    case hiddenView(String)
    case floatArgument(String, String)

    // Procedures and handlers.
    case unknownProcedureOption(String)
    case handlerSignature
    case handlerRoute
    case unknownMethod(String)
    case invalidPath(String)

    var severity: DiagnosticSeverity { .error }

    var diagnosticID: MessageID {
        let label = Mirror(reflecting: self).children.first?.label ?? "\(self)"
        return MessageID(domain: "SpacetimeKit", id: label)
    }

    var message: String {
        typeMessage ?? columnMessage ?? keyMessage ?? scheduleMessage ?? argumentMessage ?? moduleMessage
            ?? functionMessage ?? reducerMessage ?? viewMessage ?? procedureMessage ?? "\(self)"
    }

    private var typeMessage: String? {
        switch self {
        case .tableNeedsStruct(let found):
            "@Table makes a struct into a row; \(found) cannot be one. Declare a struct"
        case .typeNeedsStructOrEnum(let found):
            "@SpacetimeType describes values; \(found) cannot be one. Declare a struct or an enum"
        case .moduleNeedsEnum(let found):
            "@Module needs an enum, which nobody can make instances of; this is \(found)"
        case .groupNeedsEnum(let found):
            "@Reducers needs an enum, which nobody can make instances of; this is \(found)"
        case .genericType(let macro):
            "@\(macro) cannot describe a generic type: the schema needs one fixed type. Remove the generic parameters"
        case .tableIsAlreadyType:
            "A @Table struct is a value type already; remove @SpacetimeType"
        case .reservedTypeName(let name):
            "A table's struct cannot be named '\(name)', because the macro generates a member of that name. "
                + "Rename the struct and keep the table's name with @Table(name: \"\(name)\")"
        case .localType(let macro):
            "@\(macro) does not work inside a function, where Swift has no extensions. Move the declaration out of it, to "
                + "the file or into a type"
        case .isolatedType(let macro, let actor):
            "A type with @\(macro) is used on the thread of whoever calls, so it cannot belong to an actor. "
                + "Remove '@\(actor)'"
        case .privateType:
            "A type that is private in another type cannot be extended, and so conform to nothing; write 'fileprivate'"
        case .noCases:
            "An enum without cases has no values to store; add a case"
        case .tooManyCases(let count):
            "An enum has at most 256 cases, because its tag is one byte; this one has \(count)"
        default: nil
        }
    }

    private var columnMessage: String? {
        switch self {
        case .noColumns:
            "A table needs at least one column; add a stored property"
        case .missingType(let name):
            "'\(name)' needs a written type: macros see the source only, not inferred types"
        case .tuplePattern:
            "A tuple pattern cannot be stored; declare one property per value"
        case .initializedConstant(let name):
            "'\(name)' is a constant with a value, so it cannot be read back from a row; make it 'var' or 'static let'"
        case .lazyProperty(let name):
            "'\(name)' is lazy and has no value to store; make it a computed or an ordinary stored property"
        case .conditionalMembers:
            "Stored members cannot depend on '#if': the schema must be the same in every build. Move them out"
        case .recursiveRow(let column, let row):
            "'\(column)' makes '\(row)' a part of itself, which cannot be stored; "
                + "keep the other row's primary key in the column"
        case .hiddenType(let name):
            "'\(name)' is the name of a type that @Table makes inside the struct, and hides yours; write your type with "
                + "the module or type that it stands in, or rename it"
        case .unsupportedType(let type, let advice):
            "'\(type)' cannot be stored; \(advice)"
        default: nil
        }
    }

    private var keyMessage: String? {
        switch self {
        case .autoIncrementNeedsInteger(let column, let type):
            "@AutoIncrement counts in integers, but '\(column)' is '\(type)'; use UInt64 or remove @AutoIncrement"
        case .secondPrimaryKey:
            "A table has one primary key; for several columns write @Table(.primaryKey(\\.a, \\.b)), "
                + "or mark this column @Unique"
        case .unsuitableKey(let column, let type):
            "'\(column)' is '\(type)', and floating-point numbers cannot be a unique key: 0 and -0 are equal, NaN is equal "
                + "to none; use an integer, a number of thousandths for example"
        case .directIndexNeedsUnsigned(let column, let type):
            "A direct index is an array over small integers, but '\(column)' is '\(type)'; use UInt8, UInt16, UInt32, "
                + "UInt64 or a plain enum, or @Indexed"
        case .defaultWithKey(let column):
            "'\(column)' cannot have a default: every row added by a migration would get the same key. Remove @Default"
        case .nilForValue(let column, let type):
            "'\(column)' is '\(type)', which has no nil; write the value that existing rows get, or make it '\(type)?'"
        case .conditionalMarker(let macro):
            "@\(macro) cannot depend on '#if': the schema must be the same in every build. Move it out"
        case .duplicateAccessor(let name):
            "Two indexes are named '\(name)'; give this one another name"
        case .orphanMarker(let macro):
            "@\(macro) works on the columns of a struct marked @Table; add @Table to the struct or remove @\(macro)"
        case .markerOnNonColumn(let macro):
            "@\(macro) needs a stored property; computed and static properties are not columns"
        default: nil
        }
    }

    private var scheduleMessage: String? {
        let wayOut = "If nothing is to be called at that time, write @Table(.unscheduled)"
        return switch self {
        case .scheduledEvents(let column):
            "'\(column)' says when a row is due, but an event table keeps no rows; remove .event. \(wayOut)"
        case .secondSchedule(let column):
            "A row is due at one time, so '\(column)' cannot be a second column of type ScheduleAt; use Timestamp. \(wayOut)"
        case .scheduleKey(let row):
            "The rows of '\(row)' are scheduled by their column of type ScheduleAt, and need a primary key of type UInt64: "
                + "add '@PrimaryKey @AutoIncrement var id: UInt64'. \(wayOut)"
        case .scheduledRowWithoutTime(let row):
            "A row of '\(row)' does not say when it is due; add a column of type ScheduleAt, as in 'var when: ScheduleAt'"
        case .scheduleWithoutReducer(let row):
            "Nothing is called when a row of '\(row)' is due; add "
                + "'@Reducer(.scheduled) static func due(_ context: borrowing Context, row: \(row))'. \(wayOut)"
        default: nil
        }
    }

    private var argumentMessage: String? {
        switch self {
        case .notALiteral(let argument):
            "\(argument) must be a string literal without interpolation: it is read at compile time"
        case .invalidName(let name):
            "'\(name)' is not a valid name; use the letters a to z and A to Z, digits and '_', not starting with a digit"
        case .unknownOption(let option):
            "'\(option)' is not a table option; use .public, .private, .event, .unscheduled, .index, .unique "
                + "or .primaryKey"
        case .publicAndPrivate:
            "A table is either .public or .private; remove one"
        case .unknownColumn(let name, let known):
            "There is no column '\(name)'; the columns are \(known.map { "'\($0)'" }.joined(separator: ", "))"
        case .notAColumnPath:
            "Write a column as a key path of one name, as in \\.room"
        case .repeatedColumn(let name):
            "'\(name)' is listed twice; remove one"
        case .noColumnsInIndex(let name):
            "'\(name)' lists no columns; add them as key paths, as in \\.room"
        case .twoIndexNames(let first, let second):
            "The column has one index, which cannot be named both '\(first)' and '\(second)'; remove one"
        case .unknownAlgorithm(let name):
            "'\(name)' is not an index algorithm; use .btree, .hash or .direct"
        default: nil
        }
    }

    private var moduleMessage: String? {
        switch self {
        case .noTables:
            "A module lists its tables; add 'static let tables = Tables(...)'"
        case .unreadableTables:
            "@Module reads the list from the source; write it as 'static let tables = Tables(Message.self, User.self)'"
        case .notATableType:
            "List each table as its type, as in Message.self"
        case .notANamedTable:
            "Write each further table of a row type as Table(Message.self, name: \"archive\")"
        case .duplicateTable(let name):
            "Two tables would both be 'context.db.\(name)'; rename one of the structs, or give it "
                + "another name with also: Table(Message.self, name: \"archive\")"
        case .unreadableGroups:
            "@Module reads the list from the source; write it as 'static let reducers = Reducers(Combat.self, Trade.self)'"
        case .notAGroupType:
            "List each enum with @Reducers as its type, as in Combat.self"
        case .duplicateGroup(let name):
            "'\(name)' is listed twice; remove one"
        case .groupWithoutModule:
            "Name the module that the reducers belong to as its type, as in @Reducers(of: Game.self)"
        case .conditionalTables:
            "The list of tables cannot depend on '#if': the schema must be the same in every build. Move it out"
        case .conditionalFunction(let macro):
            "@\(macro) cannot depend on '#if' alone; put the whole function into the '#if'"
        case .duplicateFunction(let name):
            "There are two functions named '\(name)' that others can call; rename one"
        case .duplicateLifecycle(let name):
            "There are two reducers for .\(name); do both jobs in one"
        default: nil
        }
    }

    private var functionMessage: String? {
        switch self {
        case .outsideModule(let kind):
            "A \(kind) belongs into an enum marked @Module, or @Reducers if the module is in another file; "
                + "add one of them to the enclosing enum"
        case .inExtension(let kind):
            "@Module cannot see into extensions; move this \(kind) into the body of the enum, or into an enum of its own "
                + "with @Reducers(of:)"
        case .notStatic(let kind):
            "A \(kind) must be a static function"
        case .isGeneric(let kind):
            "A \(kind) cannot be generic: clients call it by name with fixed types. Remove the generic parameters"
        case .isIsolated(.reducer, let actor):
            "A reducer runs on the thread of whoever calls it, so it cannot belong to an actor. Remove '@\(actor)', and do "
                + "what needs the actor after the call or in a subscription"
        case .isIsolated(.view, let actor):
            "A view runs on the thread of whoever looks or writes, so it cannot belong to an actor. Remove '@\(actor)'"
        case .isIsolated(let kind, let actor):
            "A \(kind) runs beside others, so it cannot belong to an actor. Remove '@\(actor)', and await what needs the "
                + "actor"
        case .functionName(let kind, let name):
            "'\(name)' cannot be the name of a \(kind); give the function a name of the letters a to z and A to Z, digits and '_' that "
                + "the module does not use itself"
        case .contextMissing(let kind):
            "A \(kind)'s first parameter is its context; add '_ context: \(kind.context)'"
        case .otherContext(let kind, let type):
            "'\(type)' is not the context of \(kind == .reducer ? "" : "a \(kind) of ")this module; write '\(kind.context)'"
        case .inoutParameter(let kind, let name):
            "'\(name)' is inout, but a \(kind)'s arguments come from a client and go nowhere; remove 'inout'"
        case .variadicParameter(let kind, let name):
            "'\(name)' is variadic, but a \(kind) has a fixed list of arguments; take an array"
        case .defaultParameter(_, let name):
            "'\(name)' has a default, which a client cannot see; remove it and pass the value"
        case .scheduledWithoutRow(let kind):
            "A scheduled \(kind) takes the context and the row that is due, as in "
                + "'(_ context: \(kind.context), reminder: Reminder)'"
        case .publicIsHidden(let modifier):
            "A \(modifier) function is not for clients; remove '.public', or '\(modifier)'"
        default: nil
        }
    }

    private var reducerMessage: String? {
        switch self {
        case .reducerIsAsync:
            "A reducer is one transaction and cannot suspend; remove 'async' and do the waiting outside, or in a @Procedure"
        case .reducerReturns:
            "A reducer returns nothing: clients see its effects in the tables. Remove the return type, or make it a @Procedure"
        case .slicedWithoutRow:
            "A sliced reducer takes the context and a row of the table that it goes through, as in "
                + "'(_ context: borrowing Context, monster: Monster)'"
        case .contextNotBorrowed(let context):
            "The context must not outlive the call; write 'borrowing \(context)'"
        case .lifecycleWithParameters(let lifecycle):
            "The engine calls the .\(lifecycle) reducer and has no arguments to give; remove the parameters after the context"
        case .unknownLifecycle(let name):
            "'\(name)' is no lifecycle event; use .initialize, .clientConnected, .clientDisconnected, "
                + ".scheduled or .sliced(within:), "
                + "or say .private who may call the reducer"
        default: nil
        }
    }

    private var viewMessage: String? {
        switch self {
        case .viewIsAsync:
            "A view is evaluated inside of transactions and cannot suspend; remove 'async'"
        case .viewReturnsNothing:
            "A view returns rows of a type with @Table, '[Score]' or 'Score?', or a query for them, 'Query<Score>'"
        case .viewResult(let type):
            "'\(type)' is not what a view returns: rows of a type with @Table, '[Score]' or 'Score?', or a query for them, "
                + "'Query<Score>', 'QueryWindow<Score>' or 'RowQuery<Score>'"
        case .hiddenView(let modifier):
            "A view is for clients to look at; remove '\(modifier)'"
        case .floatArgument(let name, let type):
            "'\(name)' is '\(type)', and floating-point numbers cannot tell calls of a view apart: 0 and -0 are equal, NaN is "
                + "equal to none; use an integer, a number of thousandths for example"
        default: nil
        }
    }

    private var procedureMessage: String? {
        switch self {
        case .unknownProcedureOption(let name):
            "'\(name)' is no option of a procedure; use .durable, .scheduled or .private"
        case .handlerSignature:
            "A handler takes the context and a request and returns a response: "
                + "'(_ context: ProcedureContext, _ request: HTTP.Request) async throws -> HTTP.Response'"
        case .handlerRoute:
            "Say which requests the handler answers, as in @Handler(.get, \"/status\")"
        case .unknownMethod(let name):
            "'\(name)' is no method that can be routed; use .get, .head, .options, .put, .delete, .post, .patch or .any"
        case .invalidPath(let path):
            "'\(path)' is not a path: it is empty or begins with '/', and consists of a-z, 0-9, '-', '_', '~' and '/'"
        default: nil
        }
    }
}
