import SpacetimeEngine
package import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// Reads the texts of queries that clients subscribe to.
///
/// A text that was read before costs a look-up; one that differs from another only in its literals costs reading its tokens;
/// any other one is parsed and its names are looked up. From any thread, without the database's lock.
package final class QueryTexts: Sendable {
    /// A query that waits for the values that are the caller's.
    private struct Prepared {
        var query: PreparedQuery
        /// Nil for the caller's identity.
        var values: [[UInt8]?]
    }

    /// A kind of query, for texts that differ in their literals.
    private struct Template {
        var select: BoundSelect
        var query: PreparedQuery
    }

    private struct Key: Hashable {
        let text: ExactText
        let isOwner: Bool
    }

    private struct TemplateKey: Hashable {
        let key: [UInt8]
        let isOwner: Bool
    }

    private struct Caches {
        var texts: [Key: Prepared] = [:]
        var templates: [TemplateKey: Template] = [:]
    }

    private let catalog: SQLCatalog
    private let owner: Identity
    private let caches = Mutex(Caches())
    /// With more entries a cache is begun anew.
    private static let textLimit = 16_384
    private static let templateLimit = 4_096

    init(_ catalog: Catalog) {
        self.catalog = catalog.tables
        owner = catalog.owner.identity
    }

    /// The queries that texts stand for: one each, or as many as there are tables for `SELECT * FROM *`. A text that is there
    /// twice, but for blanks around it, is meant once; texts that ask for the same in other words are queries of their own.
    ///
    /// - Throws: `invalidQuery`, with the place in the text, and the text itself at the end.
    package func queries(
        _ texts: [String], in language: SQLLanguage = .subscription, as caller: Caller
    ) throws(DatabaseError) -> [SessionQuery] {
        var queries: [SessionQuery] = []
        var seen: Set<ExactText> = []
        for text in texts {
            if texts.count > 1, !seen.insert(ExactText(String(text.trimmed))).inserted { continue }
            // Few texts end like that one, and splitting each into words would cost more than all else.
            if text.utf8.last == UInt8(ascii: "*"),
                let tables = catalog.everything(text, isOwner: caller.identity == owner)
            {
                queries += tables.map { SessionQuery($0.id) }
            } else {
                queries.append(try query(text, in: language, as: caller))
            }
        }
        return queries
    }

    /// The query that a text stands for.
    package func query(
        _ text: String, in language: SQLLanguage = .subscription, as caller: Caller
    ) throws(DatabaseError) -> SessionQuery {
        let prepared: Prepared
        do throws(SQLError) { prepared = try self.prepared(text, language, isOwner: caller.identity == owner) } catch {
            throw DatabaseError(.invalidQuery, "\(error), in the query: \(text)", cause: SQLProblem(error))
        }
        let parameters = prepared.query.query.parameters
        let values = prepared.values.enumerated().map { position, value in
            value ?? Self.sender(caller.identity, as: parameters[position].type)
        }
        return SessionQuery(prepared.query, values: values)
    }

    /// The caller as a value of a type that callers are compared with.
    static func sender(_ identity: Identity, as type: AlgebraicType) -> [UInt8] {
        if let payload = type.optionPayload { return [0] + sender(identity, as: payload) }
        // The number, in the same bytes as the identity; or these bytes as people write them.
        return type == .bytes ? AlgebraicValue.bytes(identity.bsatn().reversed()).bsatn() : identity.bsatn()
    }

    /// The query that a view of the module consists of, which reads what the owner may.
    ///
    /// - Parameter view: its full name, which says in which submodule names of tables are looked for first.
    static func viewQuery(
        _ text: String, of view: String, _ catalog: Catalog
    ) throws(DatabaseError) -> BoundQuery {
        let select: BoundSelect
        do throws(SQLError) {
            select = try SQLBinder.select(
                text, in: catalog.tables.inside(view.namespace), language: .subscription, isOwner: true)
        } catch {
            throw DatabaseError(.invalidQuery, "\(error), in the query: \(text)", cause: error)
        }
        guard select.query.parameters.isEmpty else {
            throw DatabaseError(
                .invalidQuery, "the query of a view has no :sender; write the identity into it: \(text)")
        }
        return select.query
    }

    private func prepared(
        _ text: String, _ language: SQLLanguage, isOwner: Bool
    ) throws(SQLError) -> Prepared {
        // Other languages are those of old protocols, whose clients ask for the same few texts.
        let exact = ExactText(language == .subscription ? text : "\(language.place) \(text)")
        let key = Key(text: exact, isOwner: isOwner)
        if let known = caches.withLock({ $0.texts[key] }) { return known }
        let prepared = try read(text, language, isOwner: isOwner)
        caches.withLock { caches in
            if caches.texts.count >= Self.textLimit { caches.texts = [:] }
            caches.texts[key] = prepared
        }
        return prepared
    }

    private func read(_ text: String, _ language: SQLLanguage, isOwner: Bool) throws(SQLError) -> Prepared {
        let template = try SQLTemplate(text)
        let key = TemplateKey(key: template.key, isOwner: isOwner)
        if language == .subscription, let known = caches.withLock({ $0.templates[key] }),
            let values = known.select.literalValues(of: template)
        {
            return Prepared(query: known.query, values: values)
        }
        let select = try SQLBinder.select(
            text, in: catalog, language: language, isOwner: isOwner, template: template)
        // Literals that are part of the shape stay in the query. They are lifted where it is looked up by what it says.
        let query = PreparedQuery(select.query, isShared: true)
        if language == .subscription, select.isTemplate {
            caches.withLock { caches in
                if caches.templates.count >= Self.templateLimit { caches.templates = [:] }
                caches.templates[key] = Template(select: select, query: query)
            }
        }
        return Prepared(query: query, values: select.literalValues(of: template) ?? [])
    }
}

extension String {
    /// Without blanks at both ends.
    fileprivate var trimmed: Substring {
        let isBlank = { (character: Character) in character.isWhitespace }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return self[first...last]
    }
}
