/// What a client asks for in the query of a publication.
struct PublishParameters: Sendable {
    /// Whether an existing database is to lose its data.
    let clears: Bool
    /// Whether a migration may break clients.
    let consent: Publisher.Consent
    /// How many seconds to wait until an update is on disk.
    let patience: Double
    let parent: String?
    let organization: String?
    let hostType: HostType

    /// The kind of module.
    enum HostType: String, Sendable {
        case wasm = "Wasm"
        case js = "Js"
    }

    /// - Throws: 400 if a parameter has a value that it cannot have.
    init(_ exchange: Exchange) throws(Refusal) {
        func choice<Value>(_ name: String, _ values: [String: Value], default value: Value) throws(Refusal) -> Value {
            guard let text = exchange.parameter(name) else { return value }
            guard let found = values[text] else {
                let known = values.keys.sorted().joined(separator: " or ")
                throw Refusal(400, "the parameter '\(name)' is \(known), not '\(text)'")
            }
            return found
        }
        clears = try exchange.flag("clear", default: false)
        hostType = try choice("host_type", ["Wasm": .wasm, "Js": .js], default: .wasm)
        if try choice("policy", ["Compatible": false, "BreakClients": true], default: false) {
            guard let token = exchange.parameter("token") else {
                throw Refusal(400, "policy=BreakClients needs the parameter 'token' with that of the plan")
            }
            consent = .breaksClients(token: token)
        } else {
            consent = .compatible
        }
        if let text = exchange.parameter("num_replicas"), UInt8(text) == nil {
            throw Refusal(400, "the parameter 'num_replicas' is a number of 0 to 255, not '\(text)'")
        }
        if let text = exchange.parameter("update_confirmation_timeout") {
            guard let seconds = Self.seconds(text) else {
                throw Refusal(400, "the parameter 'update_confirmation_timeout' is a time like 5s, not '\(text)'")
            }
            patience = min(seconds, 300)
        } else {
            patience = 5
        }
        parent = exchange.parameter("parent")
        organization = exchange.parameter("organization") ?? exchange.parameter("org")
    }

    /// A time such as `5s`, `2min` or `1m 30s`; nil if it is none.
    static func seconds(_ text: String) -> Double? {
        let units: [String: Double] = [
            "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60,
            "min": 60, "mins": 60, "minute": 60, "minutes": 60, "h": 3_600, "hr": 3_600, "hour": 3_600,
            "hours": 3_600,
        ]
        var rest = text.utf8[...]
        var total: Double?
        func take(_ isWanted: (UInt8) -> Bool) -> String {
            let part = rest.prefix(while: isWanted)
            rest = rest.dropFirst(part.count)
            return String(decoding: part, as: UTF8.self)
        }
        while !rest.isEmpty {
            _ = take { $0 == UInt8(ascii: " ") }
            guard let number = UInt32(take { $0 >= 48 && $0 <= 57 }), let unit = units[take { $0 >= 97 && $0 <= 122 }]
            else { return nil }
            total = (total ?? 0) + Double(number) * unit
        }
        return total
    }
}
