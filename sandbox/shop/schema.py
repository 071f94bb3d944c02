"""Name every landed table, its columns in order and their types: the contract with the reader."""

import pyarrow as pa

TEXT, WHOLE, FLAG = pa.string(), pa.int64(), pa.bool_()
DAY, MOMENT = pa.date32(), pa.timestamp("us")
MONEY, PRICE, QUANTITY = pa.decimal128(18, 2), pa.decimal128(18, 4), pa.decimal128(18, 3)

TableName = tuple[str, str]
ADDRESS = dict.fromkeys(("street", "house_number", "postal_code", "city", "country_code"), TEXT)
NAMES = dict.fromkeys(("first_name", "last_name"), TEXT)

TABLES: dict[TableName, dict[str, pa.DataType]] = {
    ("shop", "customers"): {
        "customer_id": TEXT, "email": TEXT, **NAMES, "phone": TEXT, **ADDRESS, "language": TEXT,
        "company": TEXT, "created_at": MOMENT, "updated_at": MOMENT, "is_test": FLAG,
    },
    ("shop", "orders"): {
        "order_id": TEXT, "ordered_at": MOMENT, "net_amount": MONEY, "customer_id": TEXT,
        "email": TEXT, "phone": TEXT, **NAMES, **ADDRESS, "device_id": TEXT, "status": TEXT,
        "sales_channel": TEXT, "coupon_code": TEXT, "currency_code": TEXT, "is_test": FLAG,
        "updated_at": MOMENT,
    },
    ("shop", "order_items"): {
        "order_id": TEXT, "line_number": WHOLE, "net_amount": MONEY, "sku": TEXT,
        "description": TEXT, "line_type": TEXT, "quantity": QUANTITY, "unit_price": PRICE,
        "discount_amount": MONEY, "returned_quantity": QUANTITY, "refunded_amount": MONEY,
    },
    ("shop", "products"): {
        "sku": TEXT, "name": TEXT, "category": TEXT, "family": TEXT, "substitutes_group": TEXT,
        "list_price": MONEY, "unit_cost": MONEY, "currency_code": TEXT, "is_durable": FLAG,
        "rebuy_days": WHOLE, "launched_at": MOMENT,
    },
    ("web", "events"): {
        "event_id": TEXT, "event_type": TEXT, "occurred_at": MOMENT, "received_at": MOMENT,
        "anonymous_id": TEXT, "customer_id": TEXT, "platform": TEXT, "device_type": TEXT,
        "page_path": TEXT, "referrer": TEXT, "utm_source": TEXT, "utm_medium": TEXT,
        "utm_campaign": TEXT, "click_id": TEXT, "sku": TEXT, "geo_region": TEXT,
        "has_analytics_consent": FLAG,
    },
    ("store", "receipts"): {
        "receipt_id": TEXT, "sold_at": MOMENT, "net_amount": MONEY, "store_id": TEXT,
        "loyalty_card_id": TEXT, "currency_code": TEXT, "is_test": FLAG,
    },
    ("store", "receipt_items"): {
        "receipt_id": TEXT, "line_number": WHOLE, "net_amount": MONEY, "sku": TEXT,
        "quantity": QUANTITY, "unit_price": PRICE, "discount_amount": MONEY,
    },
    ("store", "loyalty_cards"): {
        "loyalty_card_id": TEXT, **NAMES, "email": TEXT, "phone": TEXT, **ADDRESS,
        "enrolled_at": MOMENT, "updated_at": MOMENT,
    },
    ("mail", "subscribers"): {
        "subscriber_id": TEXT, "email": TEXT, "status": TEXT, "signed_up_at": MOMENT,
        "confirmed_at": MOMENT, "unsubscribed_at": MOMENT, "updated_at": MOMENT,
    },
    ("mail", "sends"): {
        "send_id": TEXT, "subscriber_id": TEXT, "sent_at": MOMENT, "campaign_id": TEXT,
        "campaign_name": TEXT,
    },
    ("mail", "responses"): {
        "response_id": TEXT, "send_id": TEXT, "response_type": TEXT, "occurred_at": MOMENT,
        "subscriber_id": TEXT, "is_machine": FLAG,
    },
    ("crm", "contacts"): {
        "contact_id": TEXT, **NAMES, "email": TEXT, "phone": TEXT, "company": TEXT,
        "job_title": TEXT, "industry": TEXT, "company_size": WHOLE, **ADDRESS,
        "created_at": MOMENT, "updated_at": MOMENT,
    },
    ("helpdesk", "cases"): {
        "case_id": TEXT, "opened_at": MOMENT, "requester_email": TEXT, "requester_phone": TEXT,
        "order_id": TEXT, "topic": TEXT, "severity": TEXT, "closed_at": MOMENT,
        "satisfaction_score": WHOLE, "updated_at": MOMENT,
    },
    ("consent", "events"): {
        "consent_event_id": TEXT, "identifier_type": TEXT, "identifier": TEXT, "purpose": TEXT,
        "channel": TEXT, "status": TEXT, "occurred_at": MOMENT, "legal_ground": TEXT,
        "expires_at": MOMENT, "text_version": TEXT, "source": TEXT, "proof_reference": TEXT,
        "jurisdiction": TEXT,
    },
    ("ads", "costs"): {
        "platform": TEXT, "campaign_id": TEXT, "cost_date": DAY, "campaign_name": TEXT,
        "impressions": WHOLE, "clicks": WHOLE, "cost_amount": MONEY, "currency_code": TEXT,
    },
    ("ads", "clicks"): {
        "click_id": TEXT, "clicked_at": MOMENT, "platform": TEXT, "campaign_id": TEXT,
    },
    ("push", "tokens"): {
        "push_token": TEXT, "registered_at": MOMENT, "device_id": TEXT, "customer_id": TEXT,
        "platform": TEXT, "last_seen_at": MOMENT, "invalidated_at": MOMENT, "updated_at": MOMENT,
    },
}


def format_of(table: TableName) -> str:
    """Return how a table is landed: csv, jsonl or parquet."""
    return {"crm": "csv", "helpdesk": "jsonl"}.get(table[0], "parquet")
