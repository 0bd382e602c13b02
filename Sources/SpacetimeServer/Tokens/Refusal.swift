import SpacetimeHost

/// A refusal of a request before anything was done, as HTTP says it.
struct Refusal: Error, Hashable {
    /// The code of the status, like 404.
    let status: Int
    /// What is wrong and what would be right; the body of the answer.
    let text: String
    /// Headers that the status demands.
    let headers: HTTP.Headers

    init(_ status: Int, _ text: String, headers: HTTP.Headers = [:]) {
        self.status = status
        self.text = text
        self.headers = headers
    }
}
