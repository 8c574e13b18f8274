//! Tests against real servers, one module a subject.

mod live {
    mod connect;
}
